/**
 * 1,000 bad records of every reason: after a change of definition exactly those leave quarantine that now pass, once,
 * and the preview has said so.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cleaningPaths, reasons } from '../../src/clean/index.ts'
import { after, before, countBy, sales } from './sales.ts'
import { Stall } from './stall.ts'

const sent = sales()
const badBefore = sent.flatMap(({ before: reason }, offset) => (reason ? [{ offset, reason }] : []))
const badAfter = sent.flatMap(({ after: reason }, offset) => (reason ? [{ offset, reason }] : []))
const leaving = sent.filter((sale) => sale.before && !sale.after)
const newlyBad = sent.filter((sale) => !sale.before && sale.after)
const otherReason = sent.filter((sale) => sale.before && sale.after && sale.before !== sale.after)

const sorted = (counts: Record<string, number>) => Object.entries(counts).sort()
const reasonsOf = (changes: readonly { was: string | null; becomes: string | null; records: number }[]) =>
  changes.map(({ was, becomes, records }) => [`${was} > ${becomes}`, records]).sort()

const expected = {
  leave: sorted(countBy(leaving, (sale) => `${sale.before} > null`)),
  newlyBad: sorted(countBy(newlyBad, (sale) => `null > ${sale.after}`)),
  otherReason: sorted(countBy(otherReason, (sale) => `${sale.before} > ${sale.after}`)),
  stay: sent.filter((sale) => sale.before && sale.before === sale.after).length,
}

test('the records are what the proof needs: 1,000 bad ones, of every reason at least 20', () => {
  expect(badBefore).toHaveLength(1_000)
  const counts = countBy(badBefore, ({ reason }) => reason.split(' ')[0] ?? '')
  expect(Object.keys(counts).sort()).toEqual(Object.keys(reasons).sort())
  expect(Math.min(...Object.values(counts))).toBeGreaterThanOrEqual(20)
  expect(leaving.length).toBeGreaterThan(200)
})

test('those that now pass leave, once, as the preview said; done again it changes nothing', async () => {
  const stall = await Stall.make()
  await stall.open(before)
  await stall.send(sent)
  await stall.settle()
  for (const path of cleaningPaths) expect(await stall.badSales(path)).toEqual(badBefore)
  await stall.expectVerified()
  const reviewed = await stall.call('quarantineAck', {
    reason: 'NOT_JSON',
    note: 'told the sender',
    by: 'Ada',
  })
  expect(reviewed.reviews).toEqual([{ number: 1, dataset: 'sale', records: 77 }])
  const unchanged = await stall.call('quarantineReplay', { dataset: 'sale', apply: true })
  expect(unchanged).toMatchObject({ nothing: true })
  expect(unchanged.done).toBeUndefined()
  await stall.close()

  const platform = await stall.open(after)
  await stall.expectVerified()
  const versions = () =>
    Promise.all(platform.catalog.map(async ({ table }) => (await table.snapshot())?.version))
  const untouched = await versions()
  const preview = await stall.call('quarantineReplay', { dataset: 'sale', apply: false })
  expect(await versions()).toEqual(untouched)
  expect(await readdir(join(stall.data, 'tmp'))).toEqual(['queries'])
  expect(preview.preview.map(({ path }) => path)).toEqual(['stream', 'batch'])
  for (const change of preview.preview) {
    expect({
      leave: reasonsOf(change.leave),
      newlyBad: reasonsOf(change.newlyBad),
      otherReason: reasonsOf(change.otherReason),
      stay: change.stay,
    }).toEqual(expected)
    expect(change).toMatchObject({ definitionChanged: true, whole: true, waiting: 0 })
    // The clerk is gone from every row that had one; what was called off is a row no more; copies of rows are none.
    const copies = leaving.filter((sale) => sale.before === 'DUPLICATE_KEY_DIFFERS').length
    expect(change.rows).toEqual({
      before: 230,
      after: 200 + leaving.length - copies,
      changed: 200,
      gone: 30,
      added: leaving.length - copies,
    })
    expect(change.examples.leave[0]).toMatchObject({ topic: 'demo.sale', becomes: null })
    expect(change.examples.changed[0]?.before).toMatchObject({ id: 0, clerk: 'Ada' })
    expect(change.examples.gone[0]).toMatchObject({ before: { id: 200 }, after: null })
  }
  await stall.expectVerified()

  const done = await stall.call('quarantineReplay', { dataset: 'sale', apply: true })
  expect(done).toMatchObject({ nothing: false, asPreviewed: true })
  expect(done.preview).toEqual(preview.preview)
  for (const path of cleaningPaths) expect(await stall.badSales(path)).toEqual(badAfter)
  await stall.expectVerified()

  const after1 = await versions()
  for (let again = 0; again < 2; again++) {
    const repeated = await stall.call('quarantineReplay', { dataset: 'sale', apply: true })
    expect(repeated).toMatchObject({ nothing: true })
    expect(repeated.preview[0]).toMatchObject({
      leave: [],
      newlyBad: [],
      otherReason: [],
      stay: badAfter.length,
    })
  }
  expect(await versions()).toEqual(after1)
  await stall.expectVerified()
  const { counts } = await stall.call('quarantine', { dataset: 'sale' })
  expect(counts.find(({ reason }) => reason === 'NOT_JSON')).toMatchObject({ records: 77, reviewed: 77 })
  expect(counts.reduce((sum, count) => sum + count.reviewed, 0)).toBe(77)
}, 120_000)

test('rows without a key are told by their contents; what waits while cleaning stands still is told apart', async () => {
  const stall = await Stall.make()
  await stall.open(before)
  const visit = (door: string) => ({ value: `{"door":"${door}","persons":2}` })
  await stall.send([visit('north'), visit('north'), visit('south'), { value: 'no json' }], 'demo.visit')
  await stall.settle()
  await stall.close()

  await stall.open(after)
  // Columns of the other dataset were renamed, by which its records are told: so visits have another definition too.
  await stall.send([visit('north'), { value: 'none either' }], 'demo.visit')
  const { preview } = await stall.call('quarantineReplay', { dataset: 'visit', apply: false })
  for (const change of preview) {
    expect(change).toMatchObject({ definitionChanged: true, leave: [], newlyBad: [], stay: 1, waiting: 2 })
    expect(change.rows).toEqual({ before: 3, after: 4, changed: 0, gone: 0, added: 1 })
  }
  const done = await stall.call('quarantineReplay', { dataset: 'visit', apply: true })
  expect(done).toMatchObject({ nothing: false, asPreviewed: true })
  await stall.call('quarantineReplay', { dataset: 'sale', apply: true })
  await stall.send([visit('south')], 'demo.visit')
  await stall.platform.settle()
  const again = await stall.call('quarantineReplay', { dataset: 'visit', apply: true })
  expect(again).toMatchObject({ nothing: true })
  expect(again.preview.map(({ path, waiting }) => [path, waiting])).toEqual([
    ['stream', 0],
    ['batch', 1],
  ])
  await stall.settle()
  await stall.expectVerified()
}, 60_000)

test('one preview of a dataset at a time, none without room for it, and nothing is left of either', async () => {
  const stall = await Stall.make()
  await stall.open(before)
  await stall.send(sent.slice(0, 300))
  await stall.settle()
  const replay = () => stall.call('quarantineReplay', { dataset: 'sale', apply: false })
  const both = await Promise.allSettled([replay(), replay()])
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'OVERLOADED' } })
  expect(await replay()).toMatchObject({ nothing: true })
  await expect(stall.call('quarantineReplay', { dataset: 'none', apply: true })).rejects.toThrow(
    'no dataset none',
  )
  await stall.close()
  await stall.open(before, { more: { 'log.freeBytesMin': 2 ** 50 } })
  await expect(replay()).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect(await readdir(join(stall.data, 'tmp'))).toEqual(['queries'])
}, 60_000)
