/** Parts of a data folder deleted, or put back from an older copy, while nothing runs. */
import { cp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { PipelineError } from '../../src/core/index.ts'
import { listTables, type Platform, runSql, verifyPlatform } from '../../src/platform/index.ts'
import { House } from './house.ts'

vi.setConfig({ testTimeout: 120_000 })

const epochs = 'lake/_pinflow/orchard/epochs'
const landed = 'lake/_pinflow/orchard/landed'
const code = (name: string) => expect.objectContaining({ code: name })

describe('made good by the next start:', () => {
  test.each([
    ['every table', ['tables']],
    ['a pair of tables', ['tables/stream/harvest', 'tables/quarantine/stream/harvest']],
    ['a data table', ['tables/stream/harvest']],
    ['a quarantine', ['tables/quarantine/batch/harvest']],
    ['the key indexes', ['index']],
    ['every landed marker', [landed]],
  ])('%s deleted', async (_, parts) => {
    const house = await House.make()
    await house.fill(['first', 'second'])
    await house.remove(...parts)
    await house.open()
    await house.send(4)
    await house.expectAllRight()
  })

  test.each([
    ['tables', ['tables']],
    ['one data table, its quarantine ahead of it', ['tables/stream/harvest']],
    ['key indexes', ['index']],
    ['tables and key indexes', ['tables', 'index']],
    ['everything, but for records sent since', ['log', 'lake', 'tables', 'index']],
  ])('an older copy of %s', async (_, parts) => {
    const house = await House.make()
    await house.fill(['first'])
    const sent = { ...house.sent }
    await house.fill(['second', 'third'])
    await house.putBack('first', ...parts)
    if (parts.includes('log')) Object.assign(house.sent, sent)
    await house.open()
    await house.send(4)
    await house.expectAllRight()
  })

  test('a copy of all goes on beside the original, each by itself', async () => {
    const house = await House.make()
    await house.fill(['first'])
    const other = await House.make()
    await cp(house.data, other.data, { recursive: true })
    Object.assign(other.sent, house.sent)
    await Promise.all([house.open(), other.open()])
    await Promise.all([house.send(5), other.send(9)])
    await house.expectAllRight()
    await other.expectAllRight()
  })
})

describe('one dataset stands still, the rest goes on:', () => {
  test.each([
    ['a commit deleted from its log', 'stream/harvest/_delta_log/00000000000000000000.json'],
    ['an older copy of its quarantine', 'quarantine/stream/harvest'],
  ])('%s, until it is rebuilt', async (what, part) => {
    const house = await House.make()
    await house.fill(['first', 'second'])
    if (what.startsWith('a commit')) await house.remove(`tables/${part}`)
    else await house.putBack('first', `tables/${part}`)
    const platform = await house.open()
    await house.send(4)
    await expect(platform.settle()).rejects.toEqual(code('TABLE_DAMAGED'))
    await platform.runBatch()
    expect(platform.states()).toMatchObject({
      sequencing: { state: 'idle' },
      'stream.harvest': { state: 'stopped', error: expect.any(String) },
      'stream.weather': { state: 'idle' },
      'batch.harvest': { state: 'idle' },
    })
    const { rows } = await runSql(platform, 'SELECT count(*) AS n FROM weather', 'stream')
    expect(rows).toEqual([{ n: house.sent.weather - Math.floor(house.sent.weather / 4) }])
    await platform.rebuild('harvest')
    await house.expectAllRight()
  })

  test('a raw object deleted: what was cleaned stays, verify names it, a rebuild refuses and changes nothing', async () => {
    const house = await House.make()
    await house.fill(['first'])
    const folder = 'lake/topics/demo.harvest/partition=0'
    const [object = ''] = await readdir(join(house.data, folder))
    await house.remove(`${folder}/${object}`)
    const platform = await house.open()
    await house.send(4)
    await platform.settle()
    await platform.runBatch()
    const before = await listTables(platform)
    await expect(platform.rebuild('harvest')).rejects.toEqual(code('LAKE_DAMAGED'))
    expect((await listTables(platform))['batch.harvest']).toEqual(before['batch.harvest'])
    const { ok, checks } = await verifyPlatform(platform)
    expect(ok).toBe(false)
    expect(checks.find((check) => !check.ok)?.detail).toContain(object)
    await house.send(4)
    await platform.settle()
  })
})

describe('nothing is taken, and records are accepted:', () => {
  test('an older copy of the lake under newer tables, until the right one is back', async () => {
    const house = await House.make()
    await house.fill(['first', 'second'])
    await house.putBack('first', 'lake')
    const platform = await house.open()
    await house.send(4)
    expect(platform.states().sequencing).toMatchObject({ state: 'stopped' })
    await expect(platform.settle()).rejects.toEqual(code('EPOCHS_BEHIND_TABLE'))
    await house.send(40)
    const { newest } = platform.epochs
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(platform.epochs.newest).toBe(newest)
    await house.abandon()
    await house.putBack('second', 'lake')
    await house.open()
    await house.expectAllRight()
  })

  test('the same, until the tables are made again from that lake', async () => {
    const house = await House.make()
    await house.fill(['first', 'second'])
    await house.putBack('first', 'lake')
    const platform = await house.open()
    await house.send(4)
    for (const dataset of ['harvest', 'weather']) await platform.rebuild(dataset)
    await house.expectAllRight()
  })

  test('tables of a copy that went on by itself are of another history, however long this one is', async () => {
    const house = await House.make()
    await house.fill(['first'])
    const other = await House.make()
    await cp(house.data, other.data, { recursive: true })
    await other.fill(['second'])
    await house.fill(['second', 'third'])
    await rm(join(house.data, 'tables'), { recursive: true })
    await rename(join(other.data, 'tables'), join(house.data, 'tables'))
    const platform = await house.open()
    await expect(platform.settle()).rejects.toEqual(code('EPOCHS_BEHIND_TABLE'))
    expect(platform.states()['stream.harvest']?.error).toContain('another history')
    for (const dataset of ['harvest', 'weather']) await platform.rebuild(dataset)
    await house.expectAllRight()
  })
})

describe('the start is refused:', () => {
  test.each([
    ['the epoch log deleted', [epochs], 'EPOCHS_DAMAGED'],
    ['the log deleted', ['log'], 'LOG_BEHIND_LAKE'],
  ])('%s', async (_, parts, expected) => {
    const house = await House.make()
    await house.fill(['first'])
    await house.remove(...parts)
    for (let time = 0; time < 2; time++) await expect(house.open()).rejects.toEqual(code(expected))
    await house.putBack('first', ...parts)
    await house.open()
    await house.expectAllRight()
  })

  test('an older copy of the log', async () => {
    const house = await House.make()
    await house.fill(['first', 'second'])
    await house.putBack('first', 'log')
    await expect(house.open()).rejects.toEqual(code('LOG_BEHIND_LAKE'))
  })

  test('the newest entries of the epoch log deleted', async () => {
    const house = await House.make()
    await house.fill(['first'])
    for (const name of (await readdir(join(house.data, epochs))).slice(-2))
      await house.remove(`${epochs}/${name}`)
    await expect(house.open()).rejects.toEqual(code('EPOCHS_DAMAGED'))
  })

  test('an entry missing between others is found where history is read, and nothing of it is left out in silence', async () => {
    const house = await House.make()
    await house.fill(['first'])
    await house.open({ running: false })
    const [land] = await house.platform.epochs.landsAfter(0)
    await house.close()
    await house.remove(`${epochs}/${String(land).padStart(20, '0')}.json`)
    const platform = await house.open()
    await expect(platform.rebuild('harvest')).rejects.toEqual(code('EPOCHS_DAMAGED'))
    expect(Object.keys(await listTables(platform))).toContain('stream.harvest')
  })
})

test('a stream that holds records which an adopted log lost is made anew by itself', async () => {
  const house = await House.make()
  await house.fill(['first'])
  const platform = await house.open()
  const sent = { ...house.sent }
  platform.landing.land = () => Promise.reject(new PipelineError('STORE_FAILED', 'planted'))
  await house.send(5)
  await vi.waitUntil(async () => (await readOf(platform)).every((read) => read === sent.harvest + 5), 20_000)
  await house.abandon()
  await house.putBack('first', 'log')
  await expect(house.open()).rejects.toEqual(code('LOG_BEHIND_LAKE'))
  const adopted = await house.open({ adopt: true })
  await adopted.settle()
  expect(await readOf(adopted)).toEqual([sent.harvest, sent.weather])
  await adopted.runBatch()
  await house.expectVerified()
  const { accounts } = await verifyPlatform(adopted)
  for (const dataset of ['harvest', 'weather'])
    expect(accounts[dataset]).toMatchObject({ lost: 5, waiting: 0 })
})

async function readOf(platform: Platform): Promise<(number | undefined)[]> {
  const { accounts } = await verifyPlatform(platform)
  return ['harvest', 'weather'].map((dataset) => accounts[dataset]?.stream?.read)
}

test('a landing whose marker and records are gone is damage that says so, and records are accepted', async () => {
  const house = await House.make()
  await house.fill(['first', 'second'], 1)
  const platform = await house.open({ segmentBytes: 1 })
  await platform.log.retain({ ageMs: -1, bytesMax: null }, () => Number.POSITIVE_INFINITY)
  await house.close()
  await house.remove(landed)
  const again = await house.open()
  await house.send(4)
  await expect(again.settle()).rejects.toEqual(code('LAKE_DAMAGED'))
  expect(again.states().landing).toMatchObject({ state: 'stopped' })
})
