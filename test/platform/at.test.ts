/** Questions about tables as they were. */
import { rm } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { askQuestion, type Platform, runSql } from '../../src/platform/index.ts'
import type { At } from '../../src/query/index.ts'
import { House } from './house.ts'

vi.setConfig({ testTimeout: 120_000 })

const count = async (platform: Platform, table: string, at?: At) => {
  const sql = `SELECT count(*) AS n FROM ${table} -- and no more;\n;`
  const { rows, versions } = await runSql(platform, sql, 'batch', { at })
  return { rows: rows[0]?.n, versions }
}

/** Three batches; weather came once, before the second. */
async function threeBatches(): Promise<{ platform: Platform; times: number[] }> {
  const house = await House.make()
  const platform = await house.open()
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    await house.send(4, round === 1 ? ['harvest', 'weather'] : ['harvest'])
    await platform.settle()
    await platform.runBatch()
    times.push(Date.now())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { platform, times }
}

test('a version, or a time, of every table that is read', async () => {
  const { platform, times } = await threeBatches()
  const newest = await count(platform, 'batch.harvest')
  const version = newest.versions['batch.harvest']!
  expect(await count(platform, 'batch.harvest', { version })).toEqual(newest)
  const rows: unknown[] = []
  for (const timeMs of times) rows.push((await count(platform, 'harvest', { timeMs })).rows)
  // Of four records one is bad and one a copy.
  expect(rows).toEqual([2, 4, 6])
  const second = await count(platform, 'harvest', { timeMs: times[1]! })
  expect(await count(platform, 'demo_harvest', { version: second.versions['batch.harvest']! })).toEqual(
    second,
  )
})

test('a table without it is named with what it has, and counts only when it is read', async () => {
  const { platform } = await threeBatches()
  const { versions } = await count(platform, 'batch.harvest')
  const version = versions['batch.harvest']!
  // Weather has fewer versions: of that version there is a harvest, and no weather.
  expect((await count(platform, 'weather')).versions['batch.weather']).toBeLessThan(version)
  expect((await count(platform, 'harvest', { version })).rows).toBe(6)
  const missing = (table: string, at: At) => expect(count(platform, table, at)).rejects
  await missing('weather', { version }).toMatchObject({
    code: 'TABLE_VERSION_UNKNOWN',
    message: expect.stringMatching(`^batch.weather has no version ${version}: it has versions? 0`),
  })
  await missing('weather JOIN harvest ON true', { timeMs: 1 }).toMatchObject({
    code: 'TABLE_VERSION_UNKNOWN',
    message: expect.stringMatching(/batch\.weather was not there at 1970.*: it has versions? 0/),
  })
  await missing('nowhere', { version }).toMatchObject({ code: 'QUERY_INVALID' })
})

test('of a long history few commits are read to find a time', async () => {
  const house = await House.make()
  const platform = await house.open()
  const times: number[] = []
  for (let round = 0; round < 40; round++) {
    await house.send(1, ['harvest'])
    await platform.settle()
    times.push(Date.now())
  }
  const { table } = platform.catalog.find(({ name }) => name === 'stream.harvest')!
  const commits = (await table.snapshot())!.version + 1
  expect(commits).toBeGreaterThanOrEqual(40)
  const history = await table.history(commits)
  const get = vi.spyOn(table.store, 'get')
  for (const timeMs of [times[0]!, times[17]!, times.at(-1)! + 1]) {
    get.mockClear()
    const expected = history.find(({ timestampMs }) => timestampMs <= timeMs)?.version
    expect(await table.versionAt(timeMs)).toBe(expected)
    expect(get.mock.calls.length).toBeLessThanOrEqual(7)
  }
  expect(await table.versionAt(history.at(-1)!.timestampMs - 1)).toBeUndefined()
})

test('a question is answered from the tables of that time', async () => {
  const { platform, times } = await threeBatches()
  const sum = async (at?: At) =>
    (await askQuestion(platform, 'varieties', 'batch', { at })).rows.map(({ harvests }) => harvests)
  expect(await sum({ timeMs: times[0]! })).toEqual([2])
  expect(await sum()).toEqual([6])
})

test('a quarantine is one table: half of it is not shown for the whole', async () => {
  const house = await House.make()
  const platform = await house.open()
  await house.send(4)
  await platform.settle()
  const { rows, versions } = await count(platform, 'quarantine.harvest')
  expect(rows).toBe(1)
  const version = versions['quarantine.stream.harvest']!
  expect(versions['quarantine.batch.harvest']).toBeLessThan(version)
  await expect(count(platform, 'quarantine.harvest', { version })).rejects.toMatchObject({
    code: 'TABLE_VERSION_UNKNOWN',
    message: expect.stringMatching(/^quarantine\.batch\.harvest has no version/),
  })
})

test('a version whose files were deleted since is said to be gone', async () => {
  const { platform } = await threeBatches()
  const table = platform.catalog.find(({ name }) => name === 'batch.harvest')!.table
  await platform.rebuild('harvest')
  const old = (await table.snapshot())!.version - 1
  const [path] = (await table.snapshot(old))!.files.keys()
  await rm(platform.folder.path(`tables/${table.prefix}/${path}`))
  await expect(count(platform, 'harvest', { version: old })).rejects.toMatchObject({
    code: 'TABLE_VERSION_UNKNOWN',
    message: expect.stringContaining('deleted by vacuum'),
  })
})
