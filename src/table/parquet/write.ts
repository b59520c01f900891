import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { isSystemError, messageOf, type ObjectStore, PipelineError } from '../../core/index.ts'
import { identifier, literal, type Row, type Session } from '../../engine/index.ts'
import type { AddFile } from '../actions.ts'
import { duckDbType, type TableSchema } from '../schema.ts'
import { sha256 } from './sha256.ts'
import { isFloat, statsJson } from './stats.ts'

/**
 * Stage the rows of a query as one Parquet file of a table: durable, and in no version until its `add` is committed.
 * Each column is cast to the type of the schema. A file that was staged and not committed is for vacuum.
 *
 * @param name file name, unique for ever; by default with a new uuid
 * @returns undefined for no rows: nothing was written
 * @throws STORE_FULL, STORE_FAILED; what the query itself raises comes through as it is
 */
export async function writeParquet(
  session: Session,
  store: ObjectStore,
  prefix: string,
  selectSql: string,
  schema: TableSchema,
  name = `part-${randomUUID()}.parquet`,
): Promise<AddFile | undefined> {
  const key = `${prefix}/${name}`
  const path = await store.localPath(key)
  const columns = schema.map(
    (column) =>
      `CAST(${identifier(column.name)} AS ${duckDbType(column.type)}) AS ${identifier(column.name)}`,
  )
  const copy = `COPY (SELECT ${columns.join(', ')} FROM (${selectSql}\n)) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, RETURN_STATS, WRITE_EMPTY_FILE false)`
  try {
    const [written] = await session.rows(copy)
    if (!written) return undefined
    const { size } = await stat(path)
    const statistics = written.column_statistics as Record<string, Row>
    const add: AddFile = {
      path: encodeURIComponent(name),
      partitionValues: {},
      size,
      modificationTime: Date.now(),
      dataChange: true,
      stats: statsJson(
        Number(written.count),
        schema,
        statistics,
        await columnsWithNaN(session, path, schema, statistics),
      ),
      tags: { sha256: await sha256(path) },
    }
    await store.sync(key)
    return add
  } catch (error) {
    await store.delete(key)
    throw storeFailure(error, key)
  }
}

/** `has_nan` of COPY tells of the last row group only, so the columns that claim to hold none are looked through. */
async function columnsWithNaN(
  session: Session,
  path: string,
  schema: TableSchema,
  statistics: Record<string, Row>,
): Promise<ReadonlySet<string>> {
  const floats = schema.filter(
    ({ name, type }) => isFloat(type) && statistics[identifier(name)]?.min !== undefined,
  )
  if (floats.length === 0) return new Set()
  const tests = floats.map(
    ({ name }) => `coalesce(bool_or(isnan(${identifier(name)})), false) AS ${identifier(name)}`,
  )
  const [found] = await session.rows(`SELECT ${tests.join(', ')} FROM read_parquet([${literal(path)}])`)
  return new Set(floats.map(({ name }) => name).filter((name) => found?.[name] === true))
}

/**
 * What was thrown while a file was read or written; a failure of the file system as STORE_FULL or STORE_FAILED. DuckDB
 * tells those from failures of the query by the first words of the message alone.
 */
export function storeFailure(error: unknown, key: string): unknown {
  const message = messageOf(error)
  const isSystem = error instanceof Error && 'syscall' in error
  if (error instanceof PipelineError || !(isSystem || message.startsWith('IO Error'))) return error
  const full =
    isSystemError(error, 'ENOSPC', 'EDQUOT') || /No space left on device|Disk quota exceeded/.test(message)
  return new PipelineError(full ? 'STORE_FULL' : 'STORE_FAILED', `${key}: ${message}`, { cause: error })
}
