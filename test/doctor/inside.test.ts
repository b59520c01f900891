/** Each check of an open platform, with the trouble really caused that it is there for. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { examinePlatform, exitCodeOf, type Finding } from '../../src/doctor/index.ts'
import { EpochLog } from '../../src/lake/index.ts'
import { House, orchardWithout } from '../platform/house.ts'

vi.setConfig({ testTimeout: 120_000 })

const hourMs = 3_600_000

async function examined(house: House, { deep = false, laterMs = 0 } = {}): Promise<Map<string, Finding>> {
  const found = await examinePlatform(house.platform, { deep, nowMs: Date.now() + laterMs })
  return new Map(found.map((finding) => [finding.check, finding]))
}

/** Checks that do not say ok, with how they say it. */
function troubles(found: Map<string, Finding>): Record<string, string> {
  const bad = [...found.values()].filter(({ state }) => state !== 'ok')
  return Object.fromEntries(bad.map(({ check, state }) => [check, state]))
}

/** Two rounds of everything; a quarter of its records is bad. */
async function filled(count = 8): Promise<House> {
  const house = await House.make()
  await house.open()
  await house.send(count)
  await house.platform.settle()
  await house.platform.runBatch()
  return house
}

test('a platform without trouble', async () => {
  const found = await examined(await filled())
  expect(troubles(found)).toEqual({})
  expect(exitCodeOf([...found.values()])).toBe(0)
  for (const { seen } of found.values()) expect(seen).not.toMatch(/undefined|NaN|Infinity/)
})

test('an empty platform: only that no record ever came', async () => {
  const house = await House.make()
  await house.open()
  const found = await examined(house)
  expect(troubles(found)).toEqual({ 'datasets without records': 'warn' })
  expect(found.get('datasets without records')?.seen).toContain('weather (orchard-demo-weather)')
})

test('the clock set back, and far ahead', async () => {
  const house = await filled()
  const back = await examined(house, { laterMs: -2 * hourMs })
  expect(troubles(back)).toEqual({ clock: 'warn' })
  expect(back.get('clock')?.seen).toContain('set back by')
  expect(troubles(await examined(house, { laterMs: 400 * 24 * hourMs }))).toEqual({ clock: 'warn' })
})

test('an epoch log that was written for another log', async () => {
  const house = await filled()
  await house.close()
  // One that runs would put entries of its own after it.
  const platform = await house.open({ running: false })
  const other = await EpochLog.open(platform.lake, platform.pipeline.name)
  await other.take('another-log', [])
  await platform.epochs.refresh()
  const found = await examined(house)
  expect(troubles(found)).toMatchObject({ 'log and lake': 'fail' })
  expect(found.get('log and lake')).toMatchObject({
    fault: 'user',
    seen: expect.stringContaining('another-log'),
    next: expect.stringContaining('--adopt'),
  })
})

test('a mistyped topic, with its records and the nearest one that is read', async () => {
  const house = await filled()
  const { log } = house.platform
  for (const name of ['demo.harvets', 'zzz', 'empty'])
    await log.createTopic(name, { partitions: 1, partitioner: 'kafka' })
  const records = Array.from({ length: 3 }, () => ({ key: null, value: Buffer.from('{}') }))
  for (const topic of ['demo.harvets', 'zzz']) await log.append({ topic, partition: 0, records })
  await house.platform.settle()
  const found = await examined(house)
  expect(troubles(found)).toEqual({ 'topics no dataset reads': 'warn' })
  const { seen, next } = found.get('topics no dataset reads')!
  expect(seen).toBe('no dataset reads demo.harvets (3 records), zzz (3 records)')
  expect(next).toContain('demo.harvets is near to demo.harvest')
  expect(next).not.toContain('zzz is near')
})

test('records that nothing lands and cleans', async () => {
  const house = await filled()
  await house.close()
  await house.open({ running: false })
  await house.send(4, ['harvest'])
  expect(troubles(await examined(house))).toEqual({ landing: 'warn' })
  await house.close()
  await house.open()
  await house.platform.settle()
  await house.platform.restore('harvest', { epoch: 0 })
  const found = await examined(house)
  expect(troubles(found)).toEqual({ 'stream cleaning': 'warn', workers: 'warn' })
  expect(found.get('stream cleaning')?.seen).toContain('12 records of harvest')
  expect(found.get('workers')?.next).toContain('`pinflow tables resume harvest`')
})

test('a platform that runs, and is behind', async () => {
  const house = await filled()
  await house.close()
  await house.open({ running: false })
  await house.platform.folder.publish({ apiUrl: 'x', gatewayUrl: 'x', token: 'x', pid: 1 })
  await house.send(4, ['harvest'])
  expect(troubles(await examined(house))).toEqual({})
  const found = await examined(house, { laterMs: hourMs / 6 })
  expect(troubles(found)).toEqual({ landing: 'warn' })
  expect(found.get('landing')?.seen).toMatch(/is 1?\d minutes old; 4 records in no take yet/)
})

test('a changed definition, with the command that helps', async () => {
  const house = await filled()
  await house.close()
  await house.open({ pipeline: await orchardWithout('harvest') })
  await house.platform.settle().catch(() => undefined)
  const found = await examined(house)
  expect(troubles(found)).toEqual({ workers: 'fail', definitions: 'fail' })
  expect(found.get('workers')).toMatchObject({ fault: 'user' })
  for (const check of ['workers', 'definitions'])
    expect(found.get(check)?.next).toContain('`pinflow tables rebuild harvest`')
  expect(exitCodeOf([...found.values()])).toBe(1)
})

test('much in quarantine', async () => {
  const house = await filled(24)
  const found = await examined(house)
  expect(troubles(found)).toEqual({ quarantine: 'warn' })
  expect(found.get('quarantine')?.seen).toContain('stream.harvest 6 of 24 (25.0 %)')
})

test('a damaged and a missing table file; an old one is found by --deep alone', async () => {
  const house = await House.make()
  await house.open()
  for (let round = 0; round < 5; round++) {
    await house.send(1, ['weather'])
    await house.platform.settle()
  }
  const { table } = house.platform.catalog.find(({ name }) => name === 'stream.weather')!
  const files = [...(await table.snapshot())!.files].toSorted(
    ([, a], [, b]) => a.modificationTime - b.modificationTime,
  )
  expect(files.length).toBeGreaterThan(3)
  const folder = house.platform.folder.path(`tables/${table.prefix}`)
  const [[oldest = ''] = [], [newest = ''] = []] = [files[0], files.at(-1)]
  await flip(join(folder, oldest))
  expect((await examined(house)).get('table files')?.state).toBe('ok')
  const deep = await examined(house, { deep: true })
  expect(deep.get('table files')).toMatchObject({ state: 'fail', fault: 'ours' })
  expect(deep.get('table files')?.seen).toContain(oldest)
  expect(exitCodeOf([deep.get('table files')!])).toBe(2)
  await rm(join(folder, newest))
  const found = await examined(house)
  expect(found.get('table files')).toMatchObject({
    state: 'fail',
    seen: `stream.weather: ${newest} is missing`,
    next: expect.stringContaining('`pinflow tables rebuild weather`'),
  })
})

test('a table whose log is damaged', async () => {
  const house = await filled()
  const { table } = house.platform.catalog.find(({ name }) => name === 'stream.weather')!
  const log = house.platform.folder.path(`tables/${table.prefix}/_delta_log`)
  await house.close()
  for (const name of await readdir(log)) await flip(join(log, name))
  await house.open()
  const found = await examined(house)
  expect(found.get('workers')).toMatchObject({
    state: 'fail',
    fault: 'ours',
    next: expect.stringContaining('`pinflow tables rebuild weather`'),
  })
})

async function flip(file: string): Promise<void> {
  const content = await readFile(file)
  content[Math.floor(content.length / 2)]! ^= 4
  await writeFile(file, content)
}
