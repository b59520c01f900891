import type { CleaningPath } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { identifier, literal } from '../engine/index.ts'
import type { Question } from '../pipeline/index.ts'
import { scanSql } from '../table/index.ts'
import type { SeenTable } from './catalog.ts'
import type { QueryPool } from './guard/pool.ts'
import type { Readable } from './guard/protocol.ts'
import type { RowSink, Told } from './rows.ts'

/** A text beyond it was made by a machine; the engine's parser need not see it. */
const textBytesMax = 100_000

/**
 * Answer one SELECT over these tables, in a process of its own that can read their files and nothing else.
 *
 * Schemas `stream`, `batch` and `quarantine` hold a table per dataset; `quarantine` shows both ways of cleaning, told
 * apart by the column `path`. The names of the original are aliases. A name without a schema is sought among the
 * aliases, then in `from`.
 *
 * @param signal ends it, when nobody waits for the answer any more
 * @throws QUERY_INVALID for anything but one statement that only reads; QUERY_TIMED_OUT, QUERY_OUT_OF_MEMORY,
 *   QUERY_ENGINE_ENDED, ANSWER_TOO_LARGE, OVERLOADED, STOPPING, TABLE_DAMAGED; what the sink throws
 */
export async function answer(
  sql: string,
  seen: readonly SeenTable[],
  from: CleaningPath,
  pool: QueryPool,
  sink: RowSink,
  signal: AbortSignal,
): Promise<Told> {
  const bytes = Buffer.byteLength(sql)
  if (bytes > textBytesMax)
    throw new PipelineError('QUERY_INVALID', `the text has ${bytes} bytes; ${textBytesMax} are allowed`)
  const groups = [...Map.groupBy(seen, sourceOf).values()]
  const tables = await Promise.all(groups.map((group) => readableOf(group, from)))
  const asked = { sql, tables, paths: await pathsOf(seen), schema: from }
  const { columns, read } = await pool.ask(asked, sink, signal)
  const versions = read
    .flatMap((place) => groups[place] ?? [])
    .map(({ name, snapshot }) => [name, snapshot.version])
  return { columns, versions: Object.fromEntries(versions) }
}

/** Answer a pipeline's question from the tables of one way of cleaning; else as `answer`. */
export function ask(
  question: Question,
  seen: readonly SeenTable[],
  from: CleaningPath,
  pool: QueryPool,
  sink: RowSink,
  signal: AbortSignal,
): Promise<Told> {
  const tables = seen.filter(({ kind, path }) => kind === 'data' && path === from)
  return answer(question.sql, tables, from, pool, sink, signal)
}

/** What has one name in SQL: a data table, or both quarantines of a dataset. */
function sourceOf({ kind, path, dataset }: SeenTable): string {
  return `${kind === 'quarantine' ? kind : path}.${dataset}`
}

/** A damaged table is in the way only of a text that names it. @param group tables of one name */
async function readableOf(group: readonly SeenTable[], from: CleaningPath): Promise<Readable> {
  const [{ kind, path, dataset, alias }] = group as [SeenTable]
  const isAliased = kind === 'data' && alias !== undefined
  const schema = kind === 'quarantine' ? kind : path
  const view = `${schema}.${identifier(dataset)}`
  const names = [
    `${schema}.${dataset}`,
    ...(kind === 'data' && path === from ? [dataset] : []),
    ...(isAliased ? [alias, `main.${alias}`] : []),
  ].map((name) => name.toLowerCase())
  try {
    const views = [
      `CREATE SCHEMA IF NOT EXISTS ${schema}`,
      `CREATE VIEW ${view} AS ${await selectOf(group)}`,
      ...(isAliased ? [`CREATE VIEW main.${identifier(alias)} AS SELECT * FROM ${view}`] : []),
    ]
    return { names, views }
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'TABLE_DAMAGED') throw error
    return { names, views: [], damage: error.message }
  }
}

async function selectOf(group: readonly SeenTable[]): Promise<string> {
  const selects = group.map(async ({ kind, path, table, snapshot }) => {
    const relation = await scanSql(table.store, table.prefix, snapshot)
    return kind === 'quarantine'
      ? `SELECT ${literal(path)} AS path, * FROM ${relation}`
      : `SELECT * FROM ${relation}`
  })
  return (await Promise.all(selects)).join(' UNION ALL ')
}

function pathsOf(seen: readonly SeenTable[]): Promise<string[]> {
  const files = seen.flatMap(({ table, snapshot }) =>
    [...snapshot.files.keys()].map((path) => table.store.localPath(`${table.prefix}/${path}`)),
  )
  return Promise.all(files)
}
