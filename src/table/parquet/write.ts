import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { messageOf, type ObjectStore, PipelineError } from '../../core/index.ts'
import type { AddFile } from '../actions.ts'
import { duckDbType, type TableSchema } from '../schema.ts'
import { identifier, literal, type Row, type Session } from './duckdb.ts'
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
    const { mtimeMs, size } = await stat(path)
    const statistics = written.column_statistics as Record<string, Row>
    const add: AddFile = {
      path: encodeURIComponent(name),
      partitionValues: {},
      size,
      modificationTime: Math.floor(mtimeMs),
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

/** Hexadecimal SHA-256 of a file. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
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

/** DuckDB tells failures of the file system from failures of the query by the first words of the message alone. */
function storeFailure(error: unknown, key: string): unknown {
  const message = messageOf(error)
  if (error instanceof PipelineError || !message.startsWith('IO Error')) return error
  const full = /No space left on device|Disk quota exceeded/.test(message)
  return new PipelineError(full ? 'STORE_FULL' : 'STORE_FAILED', `write ${key}: ${message}`, { cause: error })
}
