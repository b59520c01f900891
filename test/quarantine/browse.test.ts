import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reasons } from '../../src/clean/index.ts'
import { LocalObjectStore } from '../../src/core/index.ts'
import { Reviews } from '../../src/quarantine/index.ts'
import { after, before, sales } from './sales.ts'
import { Stall } from './stall.ts'

/** 230 rows, 230 bad records. */
const sent = sales().slice(0, 460)
const bad = sent.flatMap(({ before: reason }, offset) => (reason ? [{ offset, reason }] : []))

async function filled(folder = before): Promise<Stall> {
  const stall = await Stall.make()
  await stall.open(folder)
  await stall.send(sent)
  await stall.settle()
  return stall
}

test('records are counted by reason, listed newest first, and narrowed by every filter', async () => {
  const stall = await filled()
  const { counts, help } = await stall.call('quarantine', {})
  expect(counts.reduce((sum, { records }) => sum + records, 0)).toBe(bad.length)
  expect(counts.every(({ paths }) => paths.join() === 'stream,batch')).toBe(true)
  expect(Object.keys(help).sort()).toEqual(Object.keys(reasons).sort())

  const listed = await stall.call('quarantineList', { limit: 1_000 })
  expect(listed.matching).toBe(bad.length)
  expect(listed.records.map(({ offset, reason }) => ({ offset, reason }))).toEqual(bad.toReversed())
  const newest = await stall.call('quarantineList', { limit: 3 })
  expect(newest).toEqual({ matching: bad.length, records: listed.records.slice(0, 3) })
  expect(Date.now() - (newest.records[0]?.timeMs ?? 0)).toBeLessThan(600_000)

  const ofCode = await stall.call('quarantineList', { reason: 'type_mismatch', limit: 1_000 })
  expect(ofCode.matching).toBe(bad.filter(({ reason }) => reason === 'TYPE_MISMATCH pieces').length)
  const ofColumn = await stall.call('quarantineList', { reason: 'TYPE_MISMATCH pieces', limit: 1 })
  expect(ofColumn.matching).toBe(ofCode.matching)
  expect((await stall.call('quarantineList', { reason: 'TYPE_MISMATCH price', limit: 1 })).matching).toBe(0)
  expect((await stall.call('quarantineList', { topic: 'demo.visit', limit: 1 })).matching).toBe(0)
  expect((await stall.call('quarantineList', { dataset: 'visit', limit: 1 })).matching).toBe(0)
  expect((await stall.call('quarantineList', { path: 'batch', limit: 1 })).matching).toBe(bad.length)
  await expect(stall.call('quarantineList', { dataset: 'nowhere', limit: 1 })).rejects.toThrow('nowhere')
  await expect(stall.call('quarantineList', { reason: 'UGLY', limit: 1 })).rejects.toThrow('no reason UGLY')
}, 60_000)

test('what a person writes is never SQL', async () => {
  const stall = await filled()
  for (const text of ["x' OR true --", "'; DROP TABLE reviewed_stretches; --", '\0', '$1', '"']) {
    expect((await stall.call('quarantineList', { topic: text, limit: 5 })).matching).toBe(0)
    const reason = `NOT_JSON ${text}`
    expect((await stall.call('quarantineList', { reason, limit: 5 })).matching).toBe(0)
    expect((await stall.call('quarantineAck', { reason, note: text, by: text })).reviews).toEqual([])
  }
}, 60_000)

test('a batch that is behind shows: what only the stream has read is bad in the stream alone', async () => {
  const stall = await filled()
  await stall.send(sent.slice(240, 250))
  await stall.platform.settle()
  const { counts } = await stall.call('quarantine', {})
  const only = counts.filter(({ paths }) => paths.join() === 'stream')
  expect(only.reduce((sum, { records }) => sum + records, 0)).toBe(10)
  expect((await stall.call('quarantineList', { path: 'batch', limit: 1 })).matching).toBe(bad.length)
}, 60_000)

describe('reviews', () => {
  test('mark what matches now and nothing that comes later; done again they mark nothing', async () => {
    const stall = await filled()
    const offset = bad[5]?.offset ?? 0
    const one = await stall.call('quarantineAck', {
      topic: 'demo.sale',
      partition: 0,
      offset,
      note: 'one',
      by: 'Ada',
    })
    expect(one.reviews).toEqual([{ number: 1, dataset: 'sale', records: 1 }])
    const rest = await stall.call('quarantineAck', { note: 'the rest', by: 'Ada' })
    expect(rest.reviews).toEqual([{ number: 2, dataset: 'sale', records: bad.length - 1 }])
    expect((await stall.call('quarantineAck', { note: 'again', by: null })).reviews).toEqual([])
    await stall.send(sent.slice(250, 260))
    await stall.settle()
    expect((await stall.call('quarantineList', { reviewed: false, limit: 1 })).matching).toBe(10)
    expect((await stall.call('quarantineList', { reviewed: true, limit: 1 })).matching).toBe(bad.length)
    const acks = await stall.call('quarantineAcks', {})
    expect(acks.map(({ number, records, note, by }) => ({ number, records, note, by }))).toEqual([
      { number: 1, records: 1, note: 'one', by: 'Ada' },
      { number: 2, records: bad.length - 1, note: 'the rest', by: 'Ada' },
    ])
    const shown = await stall.call('quarantineShow', { topic: 'demo.sale', partition: 0, offset })
    expect(shown.reasons[0]?.review).toMatchObject({ note: 'one', by: 'Ada' })
    await stall.expectVerified()
  }, 60_000)

  test('of two platforms both count; one that was damaged is named', async () => {
    const stall = await filled()
    const { lake, pipeline } = stall.platform
    const reviews = [1, 2].map(
      () => new Reviews(new LocalObjectStore(join(stall.data, 'lake')), pipeline.name),
    )
    const review = {
      format: 1,
      timeMs: 1,
      dataset: 'sale',
      filter: {},
      epoch: 1,
      note: 'n',
      by: null,
    } as const
    const place = { topic: 'demo.sale', partition: 0, reason: bad[0]?.reason ?? '' }
    const offsets = (from: number, to: number): [number, number][] => [[from, to]]
    const put = await Promise.all([
      // One lies within the other.
      reviews[0]?.put({ ...review, records: 1, places: [{ ...place, offsets: offsets(0, 10_000) }] }),
      reviews[1]?.put({ ...review, records: 1, places: [{ ...place, offsets: offsets(1, 2) }] }),
    ])
    expect(put.sort()).toEqual([1, 2])
    const ofReason = bad.filter(({ reason }) => reason === place.reason).length
    expect((await stall.call('quarantineList', { reviewed: true, limit: 1 })).matching).toBe(ofReason)
    const [key = ''] = (await lake.list('_pinflow/stall/reviews/')).map((object) => object.key)
    const content = (await lake.get(key)) ?? Buffer.alloc(0)
    await writeFile(join(stall.data, 'lake', key), content.toString().replace('"note":"n"', '"note":"m"'))
    await expect(stall.call('quarantine', {})).rejects.toThrow(key)
  }, 60_000)
})

describe('one record is explained', () => {
  let stall: Stall
  const show = (offset: number, topic = 'demo.sale') =>
    stall.call('quarantineShow', { topic, partition: 0, offset })
  /** Of a record that stays bad, where there is one. */
  const offsetOf = (reason: string, stays = true): number => {
    const found = sent.findIndex((sale) => sale.before === reason && (sale.after === reason) === stays)
    return found >= 0 || !stays ? found : offsetOf(reason, false)
  }

  beforeAll(async () => {
    stall = await Stall.make(afterAll)
    await stall.open(before)
    await stall.send(sent)
    await stall.settle()
  }, 60_000)

  test.each([
    ['TYPE_MISMATCH pieces', /pieces has "a few"; by the schema pieces is a whole number from 0 to 100/],
    ['VALUE_INVALID price', /does not take this price: "dear"/],
    ['VALUE_INVALID price', /stall\/clean\/sale\.sql/],
    ['SQL_FAILED', /SQL said: .*half/],
    ['FOREIGN_RECORD', /2 columns of visit.* send it to demo\.visit/],
    ['KEY_MISSING', /Send the key of sale: id/],
    ['NO_KNOWN_COLUMN', /It has the members id, ware; sale knows id, item, pieces/],
    ['NOT_JSON', /It breaks off at byte \d+, here marked by ▸: .*"pear",▸}/],
    ['INVALID_UNICODE', /UTF-8/],
    ['DUPLICATE_MEMBER', /the member "item" again at byte 26/],
    ['NOT_AN_OBJECT', /a JSON array/],
    ['TOO_DEEP', /100 levels/],
    ['NULL_VALUE', /Send a JSON object with the columns of sale/],
  ])('%s: %s', async (reason, advice) => {
    const { reasons: found, now } = await show(offsetOf(reason))
    expect(found[0]).toMatchObject({ reason, paths: ['stream', 'batch'], review: null })
    expect(found[0]?.fix.join('\n')).toMatch(advice)
    expect(now).toMatchObject({ fate: 'bad', reason })
  })

  test('where it lies, and since when', async () => {
    const offset = offsetOf('NOT_JSON')
    const shown = await show(offset)
    const { key, line } = shown.object ?? { key: '', line: 0 }
    const object = (await stall.platform.lake.get(key))?.toString().split('\n') ?? []
    expect(Buffer.from(JSON.parse(object[line - 1] ?? '{}').$pinflow.base64, 'base64').toString()).toBe(
      shown.value,
    )
    expect(shown.headers).toEqual([{ name: 'at', value: '0' }])
    expect(shown.epoch).toBeGreaterThan(0)
    const { stream } = shown.reasons[0]?.sinceVersion ?? {}
    const entry = stall.platform.catalog.find(({ name }) => name === 'quarantine.stream.sale')
    const epochAt = async (version: number) => {
      const info = await entry?.table.commitInfo(version)
      return (info?.pinflow as { epoch: number } | undefined)?.epoch
    }
    expect(await epochAt(stream ?? 0)).toBeGreaterThanOrEqual(shown.epoch)
    expect(await epochAt((stream ?? 0) - 1)).toBeLessThan(shown.epoch)
  })

  test('the record that came first, and the columns that differ', async () => {
    const sale = offsetOf('DUPLICATE_KEY_DIFFERS')
    const id = JSON.parse(String(sent[sale]?.value)).id as number
    await stall.send([{ value: `{"id":${id},"item":"quince","clerk":"Cleo"}` }])
    await stall.platform.settle()
    const { records } = await stall.call('quarantineList', { reason: 'DUPLICATE_KEY_DIFFERS', limit: 1 })
    const shown = await show(records[0]?.offset ?? -1)
    if (shown.now.fate !== 'differs') throw new Error(`it is ${shown.now.fate}`)
    expect(shown.now.columns).toEqual(['item', 'clerk'])
    expect(shown.now.first?.offset).toBe(id)
    expect(shown.reasons[0]?.fix.join('\n')).toContain('They differ in item')
  })

  test('what is not bad, or not there, is told apart', async () => {
    await expect(show(0)).rejects.toMatchObject({ code: 'RECORD_NOT_BAD' })
    await expect(show(0, 'demo.none')).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' })
  })

  test('under a later definition it says that the record would pass', async () => {
    await stall.close()
    await stall.open(after)
    const shown = await show(offsetOf('TYPE_MISMATCH pieces', false))
    expect(shown).toMatchObject({ definitionChanged: true, now: { fate: 'row' } })
  })
})
