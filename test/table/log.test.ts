import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Action, DeltaTable, type Snapshot } from '../../src/table/index.ts'
import { create, fakeAdd, info, useBench } from './support.ts'

const bench = useBench()

const logFile = (table: DeltaTable, name: string) =>
  join(bench.root, 'store', table.prefix, '_delta_log', name)
const json = (version: number) => `${String(version).padStart(20, '0')}.json`
const parquet = (version: number) => `${String(version).padStart(20, '0')}.checkpoint.parquet`
const reopened = (table: DeltaTable) => new DeltaTable(bench.store, table.prefix, bench.engine)

/** 13 versions with adds, removes and txns, odd text among them. */
async function filled(): Promise<DeltaTable> {
  const table = bench.table()
  await create(table, undefined, { 'odd key': 'NUL \0, emoji 😀, quote "', empty: '' })
  for (let version = 1; version <= 12; version++) {
    const add = {
      ...fakeAdd(`v${version}`),
      stats: '{"numRecords":1,"minValues":{"t":"\\u0000ü😀"}}',
      tags: { sha256: 'ab' },
    }
    const actions: Action[] = [
      info(),
      { add },
      { txn: { appId: `app ${version % 3}`, version, lastUpdated: 7 } },
    ]
    if (version % 4 === 0) {
      const path = fakeAdd(`v${version - 1}`).path
      actions.push({
        remove: { path, dataChange: true, deletionTimestamp: Date.now(), partitionValues: {}, size: 3 },
      })
    }
    await table.commit(version, actions)
  }
  return table
}

/** A snapshot as far as a checkpoint keeps it. */
function essence(snapshot: Snapshot | undefined) {
  const { version, protocol, metaData, schema, txns, files, tombstones } = snapshot!
  const still = <T extends object>(entries: ReadonlyMap<string, T>) =>
    new Map([...entries].sort().map(([path, entry]) => [path, { ...entry, dataChange: false }]))
  return { version, protocol, metaData, schema, txns, files: still(files), tombstones: still(tombstones) }
}

test('no table is no snapshot, at any version', async () => {
  const table = bench.table()
  expect(await table.snapshot()).toBeUndefined()
  expect(await table.snapshot(3)).toBeUndefined()
  expect(await table.history(3)).toEqual([])
})

test('with all earlier commits deleted, a checkpoint and what follows read the same', async () => {
  const table = await filled()
  const expected = new Map<number, ReturnType<typeof essence>>()
  for (const version of [10, 11, 12]) expected.set(version, essence(await table.snapshot(version)))
  await table.checkpoint(10)
  for (let version = 0; version <= 10; version++) await rm(logFile(table, json(version)))
  for (const version of [10, 11, 12])
    expect(essence(await reopened(table).snapshot(version))).toEqual(expected.get(version))
  expect(essence(await reopened(table).snapshot())).toEqual(expected.get(12))
  await expect(reopened(table).snapshot(9)).rejects.toMatchObject({ code: 'TABLE_VERSION_UNKNOWN' })
  await expect(reopened(table).snapshot(13)).rejects.toMatchObject({ code: 'TABLE_VERSION_UNKNOWN' })
  const next = reopened(table)
  expect(await next.commit(13, [info(), { add: fakeAdd('next') }])).toBe(true)
  expect((await reopened(table).snapshot())!.version).toBe(13)
})

test('a reader that fell behind an expired stretch of the log goes on from the checkpoint', async () => {
  const table = bench.table()
  await create(table)
  const slow = reopened(table)
  await slow.snapshot()
  for (let version = 1; version <= 12; version++) await table.commit(version, [info(), { add: fakeAdd() }])
  await table.checkpoint(10)
  for (let version = 0; version < 10; version++) await rm(logFile(table, json(version)))
  expect(await slow.snapshot()).toMatchObject({ version: 12 })
})

test.each([
  ['missing', undefined],
  ['empty', ''],
  ['no JSON', '{"version":'],
  ['no number', '{"version":"10"}'],
  ['of a version without a checkpoint', '{"version":7,"size":1}'],
  ['of a version that never was', '{"version":700,"size":1}'],
  ['null', 'null'],
])('a hint that is %s does no harm', async (_title, hint) => {
  const table = await filled()
  const expected = essence(await table.snapshot())
  await table.checkpoint(10)
  for (let version = 0; version < 10; version++) await rm(logFile(table, json(version)))
  if (hint === undefined) await rm(logFile(table, '_last_checkpoint'))
  else await writeFile(logFile(table, '_last_checkpoint'), hint)
  expect(essence(await reopened(table).snapshot())).toEqual(expected)
})

test('the hint tells version and size, and never goes back to an older checkpoint', async () => {
  const table = await filled()
  await table.checkpoint(10)
  const hint = await readFile(logFile(table, '_last_checkpoint'), 'utf8')
  const { size } = (await bench.store.list(`${table.prefix}/_delta_log/`))
    .map(({ key, sizeBytes }) => ({ key, size: sizeBytes }))
    .find(({ key }) => key.endsWith('.parquet'))!
  // protocol, metaData, three txns, eight adds, two removes
  expect(JSON.parse(hint)).toEqual({ version: 10, size: 15, sizeInBytes: size, numOfAddFiles: 8 })
  await table.checkpoint(5)
  expect(await readFile(logFile(table, '_last_checkpoint'), 'utf8')).toBe(hint)
})

test('a checkpoint that cannot be read is passed over while the commits are there, and damage when they are not', async () => {
  const table = await filled()
  const expected = essence(await table.snapshot())
  await table.checkpoint(10)
  const content = await readFile(logFile(table, parquet(10)))
  await writeFile(logFile(table, parquet(10)), content.subarray(0, content.length - 20))
  expect(essence(await reopened(table).snapshot())).toEqual(expected)
  await rm(logFile(table, json(0)))
  await expect(reopened(table).snapshot()).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
})

test('checkpoints keep txns, forget removes after seven days, and hold no commitInfo', async () => {
  const table = bench.table()
  await create(table)
  await table.commit(1, [
    info(),
    { add: fakeAdd('old') },
    { add: fakeAdd('new') },
    { txn: { appId: 'a', version: 9 } },
  ])
  const day = 24 * 3_600_000
  const remove = (name: string, days: number): Action => ({
    remove: { path: fakeAdd(name).path, dataChange: true, deletionTimestamp: Date.now() - days * day },
  })
  await table.commit(2, [info(), remove('old', 8), remove('new', 6)])
  await table.checkpoint(2)
  await rm(logFile(table, json(0)))
  await rm(logFile(table, json(2)))
  const snapshot = (await reopened(table).snapshot())!
  expect([...snapshot.tombstones.keys()]).toEqual([fakeAdd('new').path])
  expect(Object.fromEntries(snapshot.txns)).toEqual({ a: 9 })
  expect(snapshot.commitInfo).toBeUndefined()
})

test('maintaining writes a checkpoint every ten commits, and its failure is a value that spares the table', async () => {
  const table = bench.table()
  await create(table)
  const written: number[] = []
  for (let version = 1; version <= 25; version++) {
    await table.commit(version, [info(), { add: fakeAdd() }])
    const { checkpoint, failure } = await table.maintain()
    expect(failure).toBeUndefined()
    if (checkpoint !== undefined) written.push(checkpoint)
  }
  expect(written).toEqual([10, 20])
  for (let version = 26; version <= 30; version++) await table.commit(version, [info()])
  const broken = bench.store.putIfAbsent
  bench.store.putIfAbsent = async () => {
    throw new Error('no')
  }
  const { failure } = await table.maintain()
  bench.store.putIfAbsent = broken
  expect(failure).toBeInstanceOf(Error)
  expect(await table.maintain()).toEqual({ checkpoint: 30 })
  const left = (await bench.store.list(`${table.prefix}/`)).filter(({ key }) => !key.includes('_delta_log'))
  expect(left).toEqual([])
})

test.each([
  ['in the middle', [3]],
  ['of the beginning', [0]],
  ['of the beginning and more', [0, 1, 2]],
])('a gap %s is damage', async (_title, versions) => {
  const table = await filled()
  for (const version of versions) await rm(logFile(table, json(version)))
  await expect(reopened(table).snapshot()).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
  await expect(reopened(table).snapshot(8)).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
})

test('a gap is damage also to a reader that goes on from a version before it', async () => {
  const table = bench.table()
  await create(table)
  const reader = reopened(table)
  await reader.snapshot()
  for (let version = 1; version <= 4; version++) await table.commit(version, [info()])
  await rm(logFile(table, json(3)))
  await expect(reader.snapshot()).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
})

test.each([
  ['no JSON', '{"add":'],
  ['no object', '[1]'],
  ['an add without a path', '{"add":{"size":1,"dataChange":true}}'],
  ['a size that is text', '{"add":{"path":"a","size":"1"}}'],
  ['a path that leaves the table', '{"add":{"path":"..%2F..%2Fetc/passwd","size":1}}'],
  ['a path that is no URI', '{"add":{"path":"a%zz","size":1}}'],
  ['a path with NUL', '{"add":{"path":"a%00b","size":1}}'],
])('a commit that holds %s is damage', async (_title, line) => {
  const table = bench.table()
  await create(table)
  await writeFile(logFile(table, json(1)), line)
  await expect(table.snapshot()).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
})

test('unknown actions, fields, blank lines and files of the log are passed over', async () => {
  const table = bench.table()
  await create(table)
  const lines = [
    '{"domainMetadata":{"domain":"x"}}',
    '',
    '{"add":{"path":"a%20b.parquet","size":1,"baseRowId":3,"stats":null}}',
    '{"cdc":{"path":"c"}}',
  ]
  await writeFile(logFile(table, json(1)), `${lines.join('\r\n')}\n`)
  for (const name of ['00000000000000000001.crc', 'x.json', '00000000000000000009.json.tmp', '1.json']) {
    await writeFile(logFile(table, name), 'nothing')
  }
  const snapshot = (await table.snapshot())!
  expect(snapshot.version).toBe(1)
  expect([...snapshot.files.values()]).toEqual([
    { path: 'a%20b.parquet', size: 1, partitionValues: {}, modificationTime: 0, dataChange: true },
  ])
  expect([...snapshot.files.keys()]).toEqual(['a b.parquet'])
})
