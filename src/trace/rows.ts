import { epochOf, generationOf } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { identifier, literal, type Row } from '../engine/index.ts'
import type { CatalogTable } from '../query/index.ts'
import {
  type AddFile,
  type DeltaTable,
  decodePath,
  duckDbType,
  fileColumn,
  type Snapshot,
  scanSql,
  type TableSchema,
} from '../table/index.ts'
import type { RowPlace } from './life.ts'
import type { TracedDataset } from './parts.ts'

/** A column and the value that is sought in it, as text. */
export interface Wanted {
  column: string
  text: string
}

/** A row with the file it stands in. */
export interface FoundRow {
  row: Row
  path: string
  file: AddFile
}

/** The key of a clean row, as texts. */
export function keyOfRow({ dataset }: TracedDataset, row: Row): Wanted[] {
  return dataset.key.map((column) => ({ column, text: String(row[column]) }))
}

/** The row of a data table with these values; undefined where there is none. Reads only files that may hold it. */
export async function findRow(
  { table }: CatalogTable,
  snapshot: Snapshot,
  wanted: readonly Wanted[],
): Promise<FoundRow | undefined> {
  const files = new Map([...snapshot.files].filter(([, file]) => mayHoldRow(file, snapshot.schema, wanted)))
  if (files.size === 0 || wanted.length === 0) return undefined
  // The engine would round what is none.
  if (wanted.some((one) => isWhole(snapshot.schema, one.column) && !/^[+-]?\d+$/.test(one.text.trim())))
    return undefined
  const relation = await scanSql(table.store, table.prefix, { ...snapshot, files }, true)
  const conditions = wanted.map(({ column, text }) => {
    const type = snapshot.schema.find(({ name }) => name === column)?.type ?? 'string'
    return `${identifier(column)} = TRY_CAST(${literal(text)} AS ${duckDbType(type)})`
  })
  const [found] = await table.engine.with((session) =>
    session.rows(`SELECT * FROM ${relation} WHERE ${conditions.join(' AND ')} LIMIT 1`),
  )
  if (!found) return undefined
  const { [fileColumn]: local, ...row } = found
  for (const [path, file] of files)
    if ((await table.store.localPath(`${table.prefix}/${path}`)) === local) return { row, path, file }
  return undefined
}

function isWhole(schema: TableSchema, column: string): boolean {
  const type = schema.find(({ name }) => name === column)?.type
  return typeof type === 'string' && ['byte', 'short', 'integer', 'long'].includes(type)
}

/** Where a row stands, and the version that brought its file. */
export async function rowPlace(
  { name, table }: CatalogTable,
  snapshot: Snapshot,
  { row, path, file }: FoundRow,
): Promise<RowPlace> {
  const added = await versionThatAdded(table, snapshot, path, epochsOf(file)?.to)
  return {
    table: name,
    version: snapshot.version,
    ...(added && { addedByVersion: added.version, committedMs: added.timestampMs }),
    file: path,
    row,
  }
}

function epochsOf(file: AddFile) {
  const [, to] = /-(\d{1,15})$/.exec(file.tags?.epochs ?? '') ?? []
  return to === undefined ? undefined : { to: Number(to) }
}

interface Bounds {
  minValues?: Record<string, unknown>
  maxValues?: Record<string, unknown>
}

const parsedStats = new WeakMap<AddFile, Bounds>()

/** Whether a file may hold a row with these values, by its statistics. */
export function mayHoldRow(file: AddFile, schema: TableSchema, wanted: readonly Wanted[]): boolean {
  if (file.stats === undefined) return true
  let bounds = parsedStats.get(file)
  if (!bounds) {
    bounds = JSON.parse(file.stats) as Bounds
    parsedStats.set(file, bounds)
  }
  const { minValues = {}, maxValues = {} } = bounds
  return wanted.every(({ column, text }) => {
    const type = schema.find(({ name }) => name === column)?.type
    const [min, max] = [minValues[column], maxValues[column]]
    if (type === 'string')
      return (
        !(typeof min === 'string' && isAfter(min, text)) && !(typeof max === 'string' && isAfter(text, max))
      )
    if (typeof type !== 'string' || !['byte', 'short', 'integer', 'long'].includes(type)) return true
    const number = Number(text)
    // Beyond it numbers are not exact.
    if (![number, min, max].every((bound) => Number.isSafeInteger(bound))) return true
    return number >= Number(min) && number <= Number(max)
  })
}

/** In the order of code points, which is that of UTF-8. */
function isAfter(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0
}

/**
 * The version that added a file that is in the newest one. Its commit is found by its epoch, which rises from version to
 * version of a generation; a file that came by a commit of another kind is sought from there on.
 *
 * @returns undefined where the log no longer says
 */
async function versionThatAdded(
  table: DeltaTable,
  snapshot: Snapshot,
  path: string,
  epoch: number | undefined,
): Promise<{ version: number; timestampMs: number } | undefined> {
  const from = epoch === undefined ? 0 : await firstAt(table, snapshot, epoch)
  for await (const { version, timestampMs, actions } of table.commits(from)) {
    if (version > snapshot.version) return undefined
    if (actions.some((action) => 'add' in action && decodePath(action.add.path) === path))
      return { version, timestampMs }
  }
  return undefined
}

/** The first version of a snapshot's generation that has reached an epoch, as far as commits are there. */
async function firstAt(table: DeltaTable, snapshot: Snapshot, epoch: number): Promise<number> {
  const generation = generationOf(snapshot)
  if (epochOf(snapshot) < epoch) return 0
  let [low, high] = [0, snapshot.version]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const stated = await statedAt(table, middle)
    const reached =
      stated &&
      (stated.generation > generation || (stated.generation === generation && stated.epoch >= epoch))
    if (reached) high = middle
    else low = middle + 1
  }
  return low
}

async function statedAt(table: DeltaTable, version: number) {
  try {
    const info = await table.commitInfo(version)
    return info?.pinflow as { generation: number; epoch: number } | undefined
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'TABLE_VERSION_UNKNOWN') return undefined
    throw error
  }
}
