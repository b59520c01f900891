import { PipelineError } from '../core/index.ts'
import {
  type At,
  newestVersions,
  type RowSink,
  type SeenTable,
  type Told,
  versionsAt,
  withRightCaret,
} from '../query/index.ts'
import type { Platform } from './platform.ts'

type Unreadable = { name: string; error: PipelineError }[]
type Ask = (sql: string, seen: readonly SeenTable[], sink: RowSink) => Promise<Told>

/**
 * Ask the tables as they are, or as they were. A table that cannot be read, or was not there then, is in the way only of
 * a text that reads it: then the error says what is wrong with that one.
 *
 * @throws what `ask` throws, with the caret of a message about the text under the right column; TABLE_VERSION_UNKNOWN
 */
export async function withTables(
  platform: Platform,
  sql: string,
  at: At | undefined,
  sink: RowSink,
  ask: Ask,
): Promise<{ told: Told; seen: readonly SeenTable[] }> {
  const { seen, unreadable } = await (at
    ? versionsAt(platform.catalog, at)
    : newestVersions(platform.catalog))
  try {
    return { told: await ask(sql, seen, sink), seen }
  } catch (error) {
    if (!(error instanceof PipelineError && error.code === 'QUERY_INVALID')) throw error
    if (at) await refuseIfMissing(platform, sql, unreadable, ask)
    const { message } = error
    const why = unreadable.length > 0 ? unreadableText(unreadable) : absentText(platform, message, seen)
    throw new PipelineError('QUERY_INVALID', withRightCaret(message, sql) + why, { cause: error.cause })
  }
}

/** Find out what the text reads by asking the newest tables for none of its rows. @throws TABLE_VERSION_UNKNOWN */
async function refuseIfMissing(
  platform: Platform,
  sql: string,
  missing: Unreadable,
  ask: Ask,
): Promise<void> {
  if (missing.length === 0) return
  const { seen } = await newestVersions(platform.catalog)
  const probe = `SELECT * FROM (\n${sql.replace(/;\s*$/, '')}\n) LIMIT 0`
  const read = await ask(probe, seen, { onRows: () => undefined }).catch(() => undefined)
  const meant = missing.filter(({ name }) => read && Object.hasOwn(read.versions, name))
  if (meant.length === 0) return
  const code = meant[0]?.error.code ?? 'TABLE_VERSION_UNKNOWN'
  throw new PipelineError(code, meant.map(({ error }) => error.message).join('; '))
}

function unreadableText(unreadable: Unreadable): string {
  const names = unreadable.map(({ name }) => name).join(', ')
  return ` (not readable: ${names}: ${unreadable[0]?.error.message})`
}

/** A table comes to be with its first records: until then its name is not known. */
function absentText({ catalog }: Platform, message: string, seen: readonly SeenTable[]): string {
  if (!/ does not exist!/.test(message)) return ''
  const there = new Set(seen.map(({ name }) => name))
  const absent = catalog.filter(({ name, kind }) => kind === 'data' && !there.has(name))
  if (absent.length === 0) return ''
  const names = absent.map(({ name }) => name).join(', ')
  const isBatch = absent.some(({ path }) => path === 'batch')
  const make = isBatch ? '; `pinflow run batch` cleans what has landed' : ''
  return `\n(Nothing has been cleaned yet into ${names}${make}.)`
}
