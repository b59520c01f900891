import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { LocalObjectStore, type ObjectStore } from '../../src/core/index.ts'
import { Engine, type Row } from '../../src/engine/index.ts'
import {
  type Action,
  type AddFile,
  createActions,
  DeltaTable,
  type Snapshot,
  scanSql,
  type TableSchema,
  writeParquet,
} from '../../src/table/index.ts'

export const schema: TableSchema = [
  { name: 'ind', type: 'integer' },
  { name: 'title', type: 'string' },
]

/** A real store in a temporary folder, and an engine; one of each for a test file. */
export interface Bench {
  root: string
  store: LocalObjectStore
  engine: Engine
  /** A table of its own for each call. */
  table(store?: ObjectStore): DeltaTable
  write(table: DeltaTable, sql: string, columns?: TableSchema): Promise<AddFile | undefined>
  rows(table: DeltaTable, snapshot: Snapshot | undefined, orderBy?: string): Promise<Row[]>
}

export function useBench(): Bench {
  const bench = {} as Bench
  beforeAll(async () => {
    const root = await mkdtemp(join(tmpdir(), 'pinflow-table-'))
    const engine = await Engine.open({
      memoryBytes: 2 ** 28,
      threads: 2,
      temporaryFolder: join(root, 'spill'),
    })
    const store = new LocalObjectStore(join(root, 'store'))
    Object.assign(bench, {
      root,
      store,
      engine,
      table: (own: ObjectStore = store) => new DeltaTable(own, `tables/${randomUUID()}`, engine),
      write: (table: DeltaTable, sql: string, columns = schema) =>
        engine.with((session) => writeParquet(session, table.store, table.prefix, sql, columns)),
      rows: async (table: DeltaTable, snapshot: Snapshot, orderBy = 'ALL') => {
        const relation = await scanSql(table.store, table.prefix, snapshot)
        return engine.with((session) => session.rows(`SELECT * FROM ${relation} ORDER BY ${orderBy}`))
      },
    })
  })
  afterAll(async () => {
    bench.engine?.close()
    await rm(bench.root, { recursive: true, force: true })
  })
  return bench
}

export const info = (operation = 'WRITE', extra: Record<string, unknown> = {}): Action => ({
  commitInfo: { operation, ...extra },
})

/** Commit version 0: an empty table. */
export async function create(table: DeltaTable, columns = schema, configuration = {}): Promise<void> {
  await table.commit(0, [info('CREATE TABLE'), ...createActions(columns, configuration, 1_700_000_000_000)])
}

/** Add a file of made-up name to the log without making the file: for tests of the log alone. */
export function fakeAdd(name: string = randomUUID()): AddFile {
  return {
    path: `part-${name}.parquet`,
    partitionValues: {},
    size: 10,
    modificationTime: 1,
    dataChange: true,
  }
}
