import { type CleaningPath, cleaningPaths } from '../clean/index.ts'
import { messageOf, PipelineError } from '../core/index.ts'
import type { Question } from '../pipeline/index.ts'
import {
  Engine,
  type EngineOptions,
  identifier,
  literal,
  type Row,
  type Session,
  type Statement,
  scanSql,
} from '../table/index.ts'
import type { SeenTable } from './catalog.ts'

export interface Answer {
  columns: { name: string; type: string }[]
  rows: Row[]
  /** The version of each table that the text reads. */
  versions: Record<string, number>
}

export interface QueryOptions extends EngineOptions {
  /** What the rows of an answer may take, as JSON, about. */
  answerBytesMax: number
}

/**
 * Answer one SELECT over these tables, in a DuckDB instance of its own that can read their files and nothing else.
 *
 * Schemas `stream`, `batch` and `quarantine` hold a table per dataset; `quarantine` shows both ways of cleaning, told
 * apart by the column `path`. The names of the original are aliases. A name without a schema is sought among the
 * aliases, then in `from`.
 *
 * @param signal ends it, when nobody waits for the answer any more
 * @throws QUERY_INVALID for anything but one statement that only reads; ANSWER_TOO_LARGE
 */
export async function answer(
  sql: string,
  seen: readonly SeenTable[],
  from: CleaningPath,
  options: QueryOptions,
  signal?: AbortSignal,
): Promise<Answer> {
  const engine = await Engine.open(options)
  try {
    return await engine.with(async (session) => {
      await makeViews(session, seen)
      await session.run(`SET search_path = ${literal(`main,${from}`)}`)
      await lockDown(session, seen)
      const statement = await prepareSelect(session, sql)
      try {
        const read = await tablesRead(session, sql, seen, from)
        const { columns, rows } = await rowsOf(session, statement, options.answerBytesMax, signal)
        return { columns, rows, versions: versionsOf(read) }
      } finally {
        statement.destroySync()
      }
    })
  } finally {
    engine.close()
  }
}

/** Answer a pipeline's question from the tables of one way of cleaning. */
export function ask(
  question: Question,
  seen: readonly SeenTable[],
  from: CleaningPath,
  options: QueryOptions,
  signal?: AbortSignal,
): Promise<Answer> {
  const tables = seen.filter(({ kind, path }) => kind === 'data' && path === from)
  return answer(question.sql, tables, from, options, signal)
}

/** Columns and rows, read piece by piece, while they are no more than a limit. */
async function rowsOf(
  session: Session,
  statement: Statement,
  bytesMax: number,
  signal: AbortSignal | undefined,
) {
  const rows: Row[] = []
  let bytes = 0
  try {
    const { columns, pieces } = await session.pieces(statement, signal)
    for await (const piece of pieces) {
      for (const row of piece) {
        bytes += jsonBytes(row)
        rows.push(row)
      }
      if (bytes > bytesMax) {
        const message = `the answer has more than ${rows.length} rows or ${bytesMax} bytes`
        throw new PipelineError('ANSWER_TOO_LARGE', message)
      }
    }
    return { columns, rows }
  } catch (error) {
    if (error instanceof PipelineError) throw error
    if (signal?.aborted) throw new PipelineError('STOPPING', 'nobody waits for the answer any more')
    throw invalidQuery(error)
  }
}

/** Length of a value as JSON, about. */
function jsonBytes(value: unknown): number {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value.length + 3
  if (typeof value !== 'object' || value === null) return 8
  return Object.entries(value).reduce((sum, [name, member]) => sum + name.length + 4 + jsonBytes(member), 2)
}

function versionsOf(seen: readonly SeenTable[]): Record<string, number> {
  return Object.fromEntries(seen.map(({ name, snapshot }) => [name, snapshot.version]))
}

/** The tables a text names, by any of their names. */
async function tablesRead(
  session: Session,
  sql: string,
  seen: readonly SeenTable[],
  from: CleaningPath,
): Promise<SeenTable[]> {
  const names = new Set(await session.tableNames(sql))
  return seen.filter(({ dataset, path, kind, alias }) => {
    if (kind === 'quarantine') return names.has(`quarantine.${dataset}`)
    const own = names.has(`${path}.${dataset}`) || (path === from && names.has(dataset))
    return own || (alias !== undefined && (names.has(alias) || names.has(`main.${alias}`)))
  })
}

async function makeViews(session: Session, seen: readonly SeenTable[]): Promise<void> {
  for (const schema of [...cleaningPaths, 'quarantine']) await session.run(`CREATE SCHEMA ${schema}`)
  const quarantines = new Map<string, string[]>()
  for (const { dataset, path, kind, alias, table, snapshot } of seen) {
    const relation = await scanSql(table.store, table.prefix, snapshot)
    if (kind === 'quarantine') {
      const parts = quarantines.get(dataset) ?? []
      quarantines.set(dataset, [...parts, `SELECT ${literal(path)} AS path, * FROM ${relation}`])
      continue
    }
    const view = `${path}.${identifier(dataset)}`
    await session.run(`CREATE VIEW ${view} AS SELECT * FROM ${relation}`)
    if (alias) await session.run(`CREATE VIEW main.${identifier(alias)} AS SELECT * FROM ${view}`)
  }
  for (const [dataset, parts] of quarantines) {
    await session.run(`CREATE VIEW quarantine.${identifier(dataset)} AS ${parts.join(' UNION ALL ')}`)
  }
}

/** From here on the instance reads the tables' files alone, and no setting can be changed. */
async function lockDown(session: Session, seen: readonly SeenTable[]): Promise<void> {
  const paths: string[] = []
  for (const { table, snapshot } of seen) {
    for (const path of snapshot.files.keys())
      paths.push(await table.store.localPath(`${table.prefix}/${path}`))
  }
  await session.run(`SET allowed_paths = [${paths.map(literal).join(', ')}]`)
  await session.run('SET enable_external_access = false')
  await session.run('SET lock_configuration = true')
}

async function prepareSelect(session: Session, sql: string): Promise<Statement> {
  const { kind, statement } = await session.prepare(sql).catch((error: unknown) => {
    throw invalidQuery(error)
  })
  if (kind === 'SELECT' && statement) return statement
  statement?.destroySync()
  throw new PipelineError('QUERY_INVALID', `only a single SELECT can be asked, this is ${kind}`)
}

function invalidQuery(error: unknown): PipelineError {
  const message = messageOf(error).replace(/^Failed to extract statements: /, '')
  return new PipelineError('QUERY_INVALID', message, { cause: error })
}
