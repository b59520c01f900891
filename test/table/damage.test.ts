import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DeltaTable } from '../../src/table/index.ts'
import { create, info, useBench } from './support.ts'

const bench = useBench()

const logFile = (table: DeltaTable, name: string): string =>
  join(bench.root, 'store', table.prefix, '_delta_log', name)
const digits = (version: number): string => String(version).padStart(20, '0')
/** As another process sees it. */
const anew = (table: DeltaTable): DeltaTable => new DeltaTable(table.store, table.prefix, bench.engine)

test('a data file with a changed bit is damage when it is first read, and is named', async () => {
  const table = bench.table()
  await create(table)
  const add = await bench.write(table, "SELECT 1 AS ind, 'a' AS title")
  await table.commit(1, [info(), { add: add! }])
  const path = join(bench.root, 'store', table.prefix, add!.path)
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, 10)
  byte[0]! ^= 1
  await file.write(byte, 0, 1, 10)
  await file.close()
  const read = async () => bench.rows(table, await anew(table).snapshot())
  await expect(read()).rejects.toMatchObject({
    code: 'TABLE_DAMAGED',
    message: expect.stringContaining(add!.path),
  })
  await rm(path)
  await expect(read()).rejects.toMatchObject({
    code: 'TABLE_DAMAGED',
    message: expect.stringMatching(/missing/),
  })
})

test('a checkpoint that reads, and holds other actions than were written, is passed over, or damage without commits', async () => {
  const table = bench.table()
  await create(table)
  for (let version = 1; version <= 3; version++)
    await table.commit(version, [info(), { txn: { appId: 'a', version } }])
  await table.checkpoint(3)
  const path = logFile(table, `${digits(3)}.checkpoint.parquet`)
  await bench.engine.with(async (session) => {
    const [told] = await session.rows(
      `SELECT decode(key) AS "key", decode(value) AS "value" FROM parquet_kv_metadata('${path}') WHERE starts_with(decode(key), 'pinflow')`,
    )
    const changed = `SELECT * REPLACE (CASE WHEN txn IS NULL THEN NULL ELSE struct_update(txn, version := 2::BIGINT) END AS txn) FROM read_parquet('${path}')`
    await session.run(
      `COPY (${changed}) TO '${path}.new' (FORMAT parquet, KV_METADATA {${String(told?.key)}: '${String(told?.value)}'})`,
    )
  })
  await rename(`${path}.new`, path)
  expect((await anew(table).snapshot())?.txns.get('a')).toBe(3)
  for (let version = 0; version < 3; version++) await rm(logFile(table, `${digits(version)}.json`))
  await expect(anew(table).snapshot()).rejects.toMatchObject({
    code: 'TABLE_DAMAGED',
    message: expect.stringContaining('checkpoint 3'),
  })
})
