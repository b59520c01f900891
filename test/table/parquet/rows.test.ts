import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { LocalObjectStore, PipelineError } from '../../../src/core/index.ts'
import {
  type AddFile,
  type DeltaTable,
  type Snapshot,
  scanSql,
  schemaFromDuckDb,
  schemaString,
  type TableSchema,
} from '../../../src/table/index.ts'
import { create, info, schema, useBench } from '../support.ts'

const bench = useBench()

const everything = `SELECT * FROM (VALUES
  (1, 'a' || chr(0) || 'b 😀 "''', true, 1::TINYINT, 2::SMALLINT, 9223372036854775807, 1.5::FLOAT, 'nan'::DOUBLE, 12.34::DECIMAL(18,4),
   DATE '9999-12-31', TIMESTAMPTZ '9999-12-31 23:59:59.999999+00', '\\x00\\xFF'::BLOB, [1.5, NULL, 'inf'::DOUBLE], [['x'], []], TIMESTAMP '2020-01-01 00:00:00.5'),
  (2, '', false, (-128)::TINYINT, NULL, NULL, '-inf'::FLOAT, -0.0::DOUBLE, NULL, DATE '0001-01-01', TIMESTAMPTZ '0001-01-01 00:00:00.000001+00', ''::BLOB, [], NULL, NULL),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))
  AS t(i, s, b, ti, si, bi, f, d, dc, dt, ts, bl, l, ll, naive)`

const snapshotOf = (files: AddFile[], columns: TableSchema, partitionColumns: string[] = []) =>
  ({
    schema: columns,
    files: new Map(files.map((file) => [decodeURIComponent(file.path), file])),
    metaData: { partitionColumns },
  }) as unknown as Snapshot

/** Stage a file whose columns are not the ones of the schema it is read under. */
async function stage(table: DeltaTable, name: string, sql: string): Promise<AddFile> {
  const path = await bench.store.localPath(`${table.prefix}/${name}`)
  await bench.engine.with((session) =>
    session.run(`COPY (${sql}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`),
  )
  return {
    path: name.split('/').map(encodeURIComponent).join('/'),
    partitionValues: {},
    size: 1,
    modificationTime: 1,
    dataChange: true,
  }
}

test('rows of every type come back as they went in', async () => {
  const { columns, rows } = await bench.engine.with((session) => session.query(everything))
  const table = bench.table()
  const add = (await bench.write(table, everything, schemaFromDuckDb(columns)))!
  const relation = await scanSql(bench.store, table.prefix, snapshotOf([add], schemaFromDuckDb(columns)))
  const read = await bench.engine.with((session) => session.query(`SELECT * FROM ${relation} ORDER BY i`))
  expect(read.rows).toEqual(rows)
  expect(Object.is(read.rows[1]!.d, -0)).toBe(true)
  expect(read.columns.map(({ type }) => type).slice(0, -1)).toEqual(
    columns.map(({ type }) => type).slice(0, -1),
  )
  expect(read.columns.at(-1)).toEqual({ name: 'naive', type: 'TIMESTAMP WITH TIME ZONE' })
})

test('an add tells size, time and the SHA-256 of the bytes on disk', async () => {
  const table = bench.table()
  const add = (await bench.write(table, "SELECT 1 AS ind, 'x' AS title"))!
  const path = await bench.store.localPath(`${table.prefix}/${add.path}`)
  const bytes = await readFile(path)
  expect(add).toMatchObject({ size: bytes.length, dataChange: true, partitionValues: {} })
  expect(add.tags).toEqual({ sha256: createHash('sha256').update(bytes).digest('hex') })
  expect(add.path).toMatch(/^part-[0-9a-f-]{36}\.parquet$/)
  const formats = await bench.engine.with((session) =>
    session.rows(`SELECT DISTINCT compression, encodings FROM parquet_metadata('${path}')`),
  )
  for (const { compression, encodings } of formats) {
    expect(compression).toBe('ZSTD')
    expect(encodings).not.toMatch(/DELTA|BYTE_STREAM/)
  }
})

test('columns are cast to the schema, and others are left out', async () => {
  const table = bench.table()
  const add = (await bench.write(table, "SELECT '7' AS ind, 8 AS title, 9 AS more"))!
  expect(await bench.rows(table, snapshotOf([add], schema))).toEqual([{ ind: 7, title: '8' }])
})

test('no rows make no file, and a query that fails leaves none', async () => {
  const table = bench.table()
  const list = () => bench.store.list(`${table.prefix}/`)
  expect(await bench.write(table, "SELECT 1 AS ind, 'x' AS title WHERE false")).toBeUndefined()
  expect(await list()).toEqual([])
  const failing =
    "SELECT CASE WHEN x = 250000 THEN error('boom') ELSE x END AS ind, 'x' AS title FROM range(300000) AS t(x)"
  await expect(bench.write(table, failing)).rejects.toThrow(/boom/)
  await expect(bench.write(table, "SELECT 'x' AS ind, 'x' AS title")).rejects.toThrow(/Conversion/)
  expect(await list()).toEqual([])
})

test('a query may end in a comment', async () => {
  const table = bench.table()
  expect(await bench.write(table, "SELECT 1 AS ind, 'x' AS title -- the end")).toBeDefined()
})

test('a table without files is an empty relation with the types of the schema', async () => {
  const relation = await scanSql(bench.store, 'nowhere', snapshotOf([], schema))
  const { columns, rows } = await bench.engine.with((session) => session.query(`SELECT * FROM ${relation}`))
  expect(rows).toEqual([])
  expect(columns).toEqual([
    { name: 'ind', type: 'INTEGER' },
    { name: 'title', type: 'VARCHAR' },
  ])
})

test('files may lack columns, order and type them otherwise, have more, or write their names in other case', async () => {
  const table = bench.table()
  const files = [
    await stage(table, 'a.parquet', 'SELECT \'a\' AS TITLE, 1::BIGINT AS "Ind"'),
    await stage(table, 'b.parquet', 'SELECT 2::TINYINT AS ind'),
    await stage(table, 'c.parquet', "SELECT 'c'::BLOB AS title, 5 AS more"),
  ]
  expect(await bench.rows(table, snapshotOf(files, schema))).toEqual([
    { ind: null, title: 'c' },
    { ind: 1, title: 'a' },
    { ind: 2, title: null },
  ])
  const lacking = [...schema, { name: 'none', type: 'date' }]
  expect(await bench.rows(table, snapshotOf(files.slice(1, 2), lacking))).toEqual([
    { ind: 2, title: null, none: null },
  ])
})

test('text that another writer did not mark as text is text', async () => {
  const table = bench.table()
  const file = await stage(table, 'a.parquet', "SELECT 1 AS ind, encode('ünï 😀') AS title")
  expect(await bench.rows(table, snapshotOf([file], schema))).toEqual([{ ind: 1, title: 'ünï 😀' }])
})

test('paths are decoded once, and pattern characters in them mean themselves', async () => {
  const table = bench.table()
  const names = ['p=a%20b/x y.parquet', '[x]*?{a}.parquet', "quote'.parquet", 'ünï#+.parquet']
  const files: AddFile[] = []
  for (const [index, name] of names.entries())
    files.push(await stage(table, name, `SELECT ${index} AS ind, 'x' AS title`))
  expect(files[0]!.path).toBe('p%3Da%2520b/x%20y.parquet')
  expect((await bench.rows(table, snapshotOf(files, schema))).map(({ ind }) => ind)).toEqual([0, 1, 2, 3])
})

test('partition values of other writers come from the log, as the type of their column; empty is null', async () => {
  const table = bench.table()
  const columns: TableSchema = [
    { name: 'day', type: 'date' },
    { name: 'ind', type: 'integer' },
    { name: 'at', type: 'timestamp' },
    { name: 'Name', type: 'string' },
  ]
  const partitioned = ['day', 'at', 'Name']
  const values = [
    { day: '2020-02-29', at: '2020-01-01T00:00:00.123456Z', Name: "it's" },
    { day: null, at: '1970-01-01 00:00:00', Name: '' },
  ]
  const files: AddFile[] = []
  for (const [index, partitionValues] of values.entries()) {
    // Some writers keep a copy of the partition column in the file; it does not count.
    files.push({
      ...(await stage(table, `${index}.parquet`, `SELECT ${index} AS ind, 'stored' AS name`)),
      partitionValues,
    })
  }
  expect(await bench.rows(table, snapshotOf(files, columns, partitioned), 'ind')).toEqual([
    { day: '2020-02-29', ind: 0, at: '2020-01-01T00:00:00.123456Z', Name: "it's" },
    { day: null, ind: 1, at: '1970-01-01T00:00:00Z', Name: null },
  ])
})

test('a failing disk is an error of the store, not of the query', async () => {
  const store = new LocalObjectStore('/dev')
  store.localPath = async () => '/dev/full'
  store.delete = async () => {}
  const table = bench.table(store)
  await expect(bench.write(table, "SELECT 1 AS ind, 'x' AS title")).rejects.toMatchObject({
    code: 'STORE_FULL',
  })
  store.localPath = async () => '/dev/null/none'
  await expect(bench.write(table, "SELECT 1 AS ind, 'x' AS title")).rejects.toMatchObject({
    code: 'STORE_FAILED',
  })
})

test('a file that cannot be made durable is not left behind', async () => {
  const store = new LocalObjectStore(`${bench.root}/store`)
  store.sync = async () => {
    throw new PipelineError('STORE_FAILED', 'no sync')
  }
  const table = bench.table(store)
  await expect(bench.write(table, "SELECT 1 AS ind, 'x' AS title")).rejects.toMatchObject({
    code: 'STORE_FAILED',
  })
  expect(await store.list(`${table.prefix}/`)).toEqual([])
})

test('rows read through a committed snapshot are the rows written', async () => {
  const table = bench.table()
  await create(table)
  const add = (await bench.write(table, "SELECT x AS ind, 't' || x AS title FROM range(1000) AS t(x)"))!
  await table.commit(1, [info(), { add }])
  const rows = await bench.rows(table, await table.snapshot(), 'ind')
  expect(rows).toHaveLength(1000)
  expect(rows[999]).toEqual({ ind: 999, title: 't999' })
  expect((await table.snapshot())!.metaData.schemaString).toBe(schemaString(schema))
})
