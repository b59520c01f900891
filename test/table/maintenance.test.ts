import { readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  type AddFile,
  DeltaTable,
  expireLog,
  optimize,
  overwriteActions,
  vacuum,
  vacuumable,
} from '../../src/table/index.ts'
import { create, info, useBench } from './support.ts'

const bench = useBench()
const day = 24 * 3_600_000
const nowMs = Date.now()

const path = (key: string) => join(bench.root, 'store', key)
const keys = async (table: DeltaTable) =>
  (await bench.store.list(`${table.prefix}/`)).map(({ key }) => key.slice(table.prefix.length + 1))
const reopened = (table: DeltaTable) => new DeltaTable(bench.store, table.prefix, bench.engine)
const run = (table: DeltaTable, options: object = {}) =>
  bench.engine.with((session) => optimize(table, session, { nowMs, ...options }))

/** Let a file be some days old. */
async function age(key: string, days: number): Promise<void> {
  const time = new Date(nowMs - days * day)
  await utimes(path(key), time, time)
}

/** A table with a file a commit, each of these many rows; commitInfo carries an account. */
async function filled(...rows: number[]): Promise<DeltaTable> {
  const table = bench.table()
  await create(table)
  for (const [index, count] of rows.entries()) {
    const add = (await bench.write(
      table,
      `SELECT ${index} * 1000000 + x AS ind, repeat(uuid()::VARCHAR, 3) AS title FROM range(${count}) AS t(x)`,
    ))!
    await table.commit(index + 1, [info('WRITE', { account: { read: index + 1 } }), { add }])
  }
  return table
}

test('compaction puts small files together and changes no row, as Delta readers are told', async () => {
  const table = await filled(10, 20, 30)
  const before = await table.snapshot()
  const done = await run(table)
  expect(done).toEqual({ version: 4, removedFiles: 3, addedFiles: 1 })
  const after = (await table.snapshot())!
  expect(after.files.size).toBe(1)
  expect(await bench.rows(table, after)).toEqual(await bench.rows(table, before))
  for await (const { actions } of table.commits(4)) {
    for (const action of actions) {
      if ('add' in action) expect(action.add.dataChange).toBe(false)
      if ('remove' in action) expect(action.remove.dataChange).toBe(false)
    }
  }
  expect(await run(table)).toBeUndefined()
})

test('large files stay, and groups keep to the target', async () => {
  const table = await filled(3000, 50, 50, 50, 50, 50)
  const sizes = [...(await table.snapshot())!.files.values()].map(({ size }) => size)
  const large = Math.max(...sizes)
  const small = Math.max(...sizes.filter((size) => size < large))
  const done = await run(table, { targetBytes: small * 2 + 100 })
  expect(done).toMatchObject({ removedFiles: 4, addedFiles: 2 })
  expect((await table.snapshot())!.files.size).toBe(4)
})

test('a compaction that loses a race to an append follows it, and carries on what that says', async () => {
  const table = await filled(5, 5)
  const rival = reopened(table)
  const extra = (await bench.write(table, "SELECT 9 AS ind, 'late' AS title"))!
  let late = true
  const carry = ({ commitInfo }: { commitInfo: Record<string, unknown> | undefined }) => ({
    account: commitInfo?.account,
  })
  const store = bench.store.putIfAbsent.bind(bench.store)
  bench.store.putIfAbsent = async (key, content) => {
    if (late) {
      late = false
      expect(await rival.commit(3, [info('WRITE', { account: { read: 99 } }), { add: extra }])).toBe(true)
    }
    return store(key, content)
  }
  const done = await run(table, { carry })
  bench.store.putIfAbsent = store
  expect(done).toMatchObject({ version: 4 })
  expect((await table.commitInfo(4))!.account).toEqual({ read: 99 })
  expect((await bench.rows(table, await table.snapshot())).length).toBe(11)
})

test('a compaction that loses a race to an overwrite gives up, and leaves no file', async () => {
  const table = await filled(5, 5)
  const rival = reopened(table)
  const snapshot = (await rival.snapshot())!
  const store = bench.store.putIfAbsent.bind(bench.store)
  bench.store.putIfAbsent = async (key, content) => {
    bench.store.putIfAbsent = store
    await rival.commit(3, [info(), ...overwriteActions(snapshot, [], nowMs)])
    return store(key, content)
  }
  expect(await run(table)).toBeUndefined()
  expect((await table.snapshot())!.files.size).toBe(0)
  expect((await keys(table)).filter((key) => key.endsWith('.parquet'))).toHaveLength(2)
})

test('compaction refuses files that are not what was written', async () => {
  const table = await filled(500, 5)
  const [file] = [...(await table.snapshot())!.files.keys()]
  const bytes = await readFile(path(`${table.prefix}/${file}`))
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(path(`${table.prefix}/${file}`), bytes)
  await expect(run(table)).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
  expect((await table.snapshot())!.version).toBe(2)
  expect((await keys(table)).filter((key) => key.endsWith('.parquet'))).toHaveLength(2)
})

test('vacuum deletes what no version of the last seven days needs, and nothing else', async () => {
  const table = await filled(1, 1, 1)
  const files = [...(await table.snapshot())!.files.values()] as [AddFile, AddFile, AddFile]
  const removeAt = (file: AddFile, days: number) => ({
    remove: { path: file.path, dataChange: true, deletionTimestamp: nowMs - days * day },
  })
  await table.commit(4, [info(), removeAt(files[0], 8), removeAt(files[1], 6)])
  const strays = [
    'stray.parquet',
    'folder/deep.parquet',
    'young.parquet',
    '_hidden',
    '.hidden',
    '_folder/x.parquet',
    'a/.b/c.parquet',
  ]
  for (const stray of strays) await bench.store.put(`${table.prefix}/${stray}`, Buffer.from('x'))
  for (const key of await keys(table)) if (key !== 'young.parquet') await age(`${table.prefix}/${key}`, 60)
  const before = await keys(table)
  const gone = [files[0].path, 'folder/deep.parquet', 'stray.parquet']
    .map((key) => `${table.prefix}/${key}`)
    .sort()

  expect((await vacuumable(table, { nowMs })).map(({ key }) => key).sort()).toEqual(gone)
  expect(await keys(table)).toEqual(before)
  expect((await vacuum(table, { nowMs })).map(({ key }) => key).sort()).toEqual(gone)
  expect(await keys(table)).toEqual(before.filter((key) => !gone.includes(`${table.prefix}/${key}`)))
  expect(await vacuum(table, { nowMs })).toEqual([])
  expect(await bench.rows(table, await table.snapshot(4))).toHaveLength(1)
})

test('vacuum of a folder without a table deletes nothing', async () => {
  const table = bench.table()
  await bench.store.put(`${table.prefix}/x.parquet`, Buffer.from('x'))
  await age(`${table.prefix}/x.parquet`, 60)
  expect(await vacuum(table, { nowMs })).toEqual([])
})

test('the log expires up to the newest old checkpoint, which stays with its commit and all that follow', async () => {
  const table = await filled(...Array.from({ length: 24 }, () => 1))
  await table.checkpoint(10)
  await table.checkpoint(15)
  await table.checkpoint(20)
  const expected = new Map<number, unknown>()
  for (let version = 15; version <= 24; version++)
    expected.set(version, [...(await table.snapshot(version))!.files.keys()].sort())
  await bench.store.put(`${table.prefix}/_delta_log/00000000000000000003.crc`, Buffer.from('x'))
  await bench.store.put(`${table.prefix}/_delta_log/_keep`, Buffer.from('x'))
  expect(await expireLog(table, { nowMs })).toEqual([])
  // Version 18 is the newest that is old enough, so the checkpoint of 15 is.
  for (const key of await keys(table)) {
    const version = Number(/_delta_log\/(\d{20})/.exec(key)?.[1] ?? 99)
    if (version <= 18 || key.endsWith('_keep')) await age(`${table.prefix}/${key}`, 31)
  }
  const deleted = await expireLog(table, { nowMs })
  expect(deleted).toHaveLength(15 + 1 + 1)
  const left = (await keys(table)).filter((key) => key.startsWith('_delta_log/'))
  expect(left).toContain('_delta_log/_keep')
  expect(left.filter((key) => /\d\.(json|crc)$/.test(key)).map((key) => Number(key.slice(11, 31)))).toEqual([
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
  ])
  const reader = reopened(table)
  expect((await reader.snapshot())!.version).toBe(24)
  for (const [version, files] of expected)
    expect([...(await reader.snapshot(version))!.files.keys()].sort()).toEqual(files)
  await expect(reader.snapshot(14)).rejects.toMatchObject({ code: 'TABLE_VERSION_UNKNOWN' })
  expect((await reader.history(100)).map(({ version }) => version).at(-1)).toBe(15)
})

test('no log file is deleted on the word of a checkpoint that cannot be read', async () => {
  const table = await filled(1, 1, 1)
  await table.checkpoint(2)
  const checkpoint = (await keys(table)).find((key) => key.includes('.checkpoint.'))!
  await writeFile(path(`${table.prefix}/${checkpoint}`), 'no Parquet')
  for (const key of await keys(table)) await age(`${table.prefix}/${key}`, 60)
  const before = await keys(table)
  await expect(expireLog(table, { nowMs })).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
  expect(await keys(table)).toEqual(before)
  await rm(path(`${table.prefix}/${checkpoint}`))
  expect(await expireLog(table, { nowMs })).toEqual([])
})
