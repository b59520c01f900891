import { expect, test } from 'vitest'
import {
  type Action,
  createActions,
  DeltaTable,
  duckDbType,
  schemaFromDuckDb,
  schemaString,
} from '../../src/table/index.ts'
import { create, fakeAdd, info, schema, useBench } from './support.ts'

const bench = useBench()

/** A table as another writer may have left it: put into the log without asking. */
async function foreign(lines: object[]): Promise<DeltaTable> {
  const table = bench.table()
  const content = lines.map((line) => JSON.stringify(line)).join('\n')
  await bench.store.putIfAbsent(`${table.prefix}/_delta_log/00000000000000000000.json`, Buffer.from(content))
  return table
}

const metaData = (extra: object = {}) => ({
  metaData: {
    id: 'i',
    format: { provider: 'parquet', options: {} },
    schemaString: schemaString(schema),
    partitionColumns: [],
    configuration: {},
    ...extra,
  },
})
const protocol = (minReaderVersion: number, minWriterVersion: number, features: object = {}) => ({
  protocol: { minReaderVersion, minWriterVersion, ...features },
})
const field = (metadata: object, nullable = true) =>
  JSON.stringify({
    type: 'struct',
    fields: [
      {
        name: 's',
        type: { type: 'struct', fields: [{ name: 'x', type: 'long', nullable, metadata }] },
        nullable: true,
        metadata: {},
      },
    ],
  })
const dv = { storageType: 'u', pathOrInlineDv: 'ab', offset: 1, sizeInBytes: 3, cardinality: 1 }

test.each([
  ['a reader version above 3', [protocol(4, 7), metaData()]],
  [
    'an unknown reader feature',
    [protocol(3, 7, { readerFeatures: ['typeWidening'], writerFeatures: ['typeWidening'] }), metaData()],
  ],
  [
    'version 2 checkpoints',
    [protocol(3, 7, { readerFeatures: ['v2Checkpoint'], writerFeatures: ['v2Checkpoint'] }), metaData()],
  ],
  ['column mapping', [protocol(2, 5), metaData({ configuration: { 'delta.columnMapping.mode': 'name' } })]],
  [
    'a live deletion vector',
    [
      protocol(3, 7, { readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors'] }),
      metaData(),
      { add: { ...fakeAdd(), deletionVector: dv } },
    ],
  ],
  [
    'a file outside of the table',
    [protocol(1, 2), metaData(), { add: { ...fakeAdd(), path: 's3://bucket/file.parquet' } }],
  ],
  ['a file by absolute path', [protocol(1, 2), metaData(), { add: { ...fakeAdd(), path: '/etc/passwd' } }]],
  ['another format', [protocol(1, 2), metaData({ format: { provider: 'orc', options: {} } })]],
])('reading refuses %s', async (_title, lines) => {
  await expect((await foreign(lines)).snapshot()).rejects.toMatchObject({ code: 'TABLE_UNSUPPORTED' })
})

test.each([
  ['no protocol', [metaData()]],
  ['no metaData', [protocol(1, 2)]],
  ['a schema that is none', [protocol(1, 2), metaData({ schemaString: '{"type":"string"}' })]],
])('%s is damage', async (_title, lines) => {
  await expect((await foreign(lines)).snapshot()).rejects.toMatchObject({ code: 'TABLE_DAMAGED' })
})

test('features that are listed and not used are no obstacle; a deletion vector that is gone is none', async () => {
  const features = ['columnMapping', 'deletionVectors', 'timestampNtz']
  const path = fakeAdd('dv').path
  const table = await foreign([
    protocol(3, 7, { readerFeatures: features, writerFeatures: [...features, 'appendOnly', 'invariants'] }),
    metaData({ configuration: { 'delta.columnMapping.mode': 'none', 'delta.appendOnly': 'false' } }),
    { add: { ...fakeAdd('dv'), deletionVector: dv } },
    { add: fakeAdd('plain') },
  ])
  const version1 = [{ remove: { path, dataChange: true, deletionVector: dv } }]
    .map((line) => JSON.stringify(line))
    .join('\n')
  await bench.store.putIfAbsent(`${table.prefix}/_delta_log/00000000000000000001.json`, Buffer.from(version1))
  expect([...(await table.snapshot())!.files.keys()]).toEqual([fakeAdd('plain').path])
  expect(await table.commit(2, [info(), { add: fakeAdd() }])).toBe(true)
  await table.checkpoint(2)
  const reader = new DeltaTable(bench.store, table.prefix, bench.engine)
  expect((await reader.snapshot())!.files.size).toBe(2)
})

const overwrite: Action[] = [info(), { remove: { path: fakeAdd('one').path, dataChange: true } }]
const append: Action[] = [info(), { add: fakeAdd('two') }]
test.each([
  ['a writer version above 7', [protocol(1, 8), metaData()], append],
  ['an unknown writer feature', [protocol(1, 7, { writerFeatures: ['rowTracking'] }), metaData()], append],
  [
    'removing from an append-only table',
    [protocol(1, 2), metaData({ configuration: { 'delta.appendOnly': 'true' } })],
    overwrite,
  ],
  [
    'removing under a change data feed',
    [protocol(1, 4), metaData({ configuration: { 'delta.enableChangeDataFeed': 'true' } })],
    overwrite,
  ],
  [
    'row tracking',
    [protocol(1, 2), metaData({ configuration: { 'delta.enableRowTracking': 'true' } })],
    append,
  ],
  [
    'in-commit timestamps',
    [protocol(1, 2), metaData({ configuration: { 'delta.enableInCommitTimestamps': 'true' } })],
    append,
  ],
  [
    'CHECK constraints',
    [protocol(1, 3), metaData({ configuration: { 'delta.constraints.c': 'x > 1' } })],
    append,
  ],
  ['invariants', [protocol(1, 2), metaData({ schemaString: field({ 'delta.invariants': '{}' }) })], append],
  [
    'generated columns',
    [protocol(1, 4), metaData({ schemaString: field({ 'delta.generationExpression': '1' }) })],
    append,
  ],
  [
    'identity columns',
    [protocol(1, 6), metaData({ schemaString: field({ 'delta.identity.start': 1 }) })],
    append,
  ],
  ['columns that may not be null', [protocol(1, 2), metaData({ schemaString: field({}, false) })], append],
  ['partition columns', [protocol(1, 2), metaData({ partitionColumns: ['ind'] })], append],
])('writing refuses %s, and reading does not', async (_title, lines, actions) => {
  const table = await foreign([...lines, { add: fakeAdd('one') }])
  expect((await table.snapshot())!.files.size).toBe(1)
  await expect(table.commit(1, actions)).rejects.toMatchObject({ code: 'TABLE_UNSUPPORTED' })
  expect((await table.snapshot())!.version).toBe(0)
})

test('an append-only table takes appends, and a compaction', async () => {
  const table = bench.table()
  await create(table, schema, { 'delta.appendOnly': 'true' })
  expect(await table.commit(1, [info(), { add: fakeAdd('one') }])).toBe(true)
  const compaction: Action[] = [
    info(),
    { remove: { path: fakeAdd('one').path, dataChange: false } },
    { add: { ...fakeAdd('two'), dataChange: false } },
  ]
  expect(await table.commit(2, compaction)).toBe(true)
})

test('a table made here is protocol 1/2, with every column nullable', async () => {
  const [first, second] = createActions(schema, { a: 'b' }, 7)
  expect(first).toEqual({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } })
  expect(second).toMatchObject({
    metaData: {
      format: { provider: 'parquet', options: {} },
      partitionColumns: [],
      configuration: { a: 'b' },
      createdTime: 7,
      schemaString:
        '{"type":"struct","fields":[{"name":"ind","type":"integer","nullable":true,"metadata":{}},{"name":"title","type":"string","nullable":true,"metadata":{}}]}',
    },
  })
})

test('every type a query may have is stored as one that means the same, and back', async () => {
  const types = [
    'VARCHAR',
    'BOOLEAN',
    'TINYINT',
    'SMALLINT',
    'INTEGER',
    'BIGINT',
    'FLOAT',
    'DOUBLE',
    'DECIMAL(18,4)',
    'DATE',
    'TIMESTAMP WITH TIME ZONE',
    'BLOB',
    'DOUBLE[]',
    'VARCHAR[][]',
  ]
  const list = types.map((type, index) => `NULL::${type} AS c${index}`).join(', ')
  const { columns } = await bench.engine.with((session) => session.query(`SELECT ${list}`))
  expect(schemaFromDuckDb(columns).map(({ type }) => duckDbType(type))).toEqual(types)
  expect(schemaFromDuckDb([{ name: 'naive', type: 'TIMESTAMP' }])).toEqual([
    { name: 'naive', type: 'timestamp' },
  ])
  expect(
    duckDbType({ type: 'struct', fields: [{ name: 'a"b', type: 'long', nullable: true, metadata: {} }] }),
  ).toBe('STRUCT("a""b" BIGINT)')
  expect(
    duckDbType({ type: 'map', keyType: 'string', valueType: 'timestamp_ntz', valueContainsNull: true }),
  ).toBe('MAP(VARCHAR, TIMESTAMP)')
  expect(() => duckDbType('variant')).toThrow(/variant/)
  expect(() => duckDbType('constructor')).toThrow(/constructor/)
})

test('columns that no table can hold are refused by name', async () => {
  const { columns } = await bench.engine.with((session) => session.query('SELECT sum(1) AS total'))
  expect(() => schemaFromDuckDb(columns)).toThrow(/"total" has type HUGEINT.*cast/)
  for (const type of [
    'UUID',
    'UBIGINT',
    'TIME',
    'INTERVAL',
    'JSON',
    'TIMESTAMP_NS',
    'STRUCT(a INTEGER)',
    'HUGEINT[]',
  ]) {
    expect(() => schemaFromDuckDb([{ name: 'odd', type }])).toThrow(/"odd"/)
  }
  expect(() => schemaFromDuckDb([{ name: 'a b', type: 'VARCHAR' }])).toThrow(/"a b"/)
  expect(() => schemaFromDuckDb([{ name: '', type: 'VARCHAR' }])).toThrow(/name/)
  expect(() =>
    schemaFromDuckDb([
      { name: 'a', type: 'VARCHAR' },
      { name: 'A', type: 'VARCHAR' },
    ]),
  ).toThrow(/twice/)
})
