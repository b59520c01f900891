import { PipelineError } from '../core/index.ts'
import type { Session } from '../engine/index.ts'
import type { Action, AddFile, CommitInfo } from './actions.ts'
import { removeOf } from './compose.ts'
import type { DeltaTable } from './delta-table.ts'
import { scanSql } from './parquet/scan.ts'
import { sha256 } from './parquet/sha256.ts'
import { storeFailure, writeParquet } from './parquet/write.ts'
import { decodePath, type Snapshot } from './replay.ts'

export interface OptimizeOptions {
  /** Size of the files made, at most; smaller ones than half of it are put together. Default 128 MiB. */
  targetBytes?: number
  /**
   * Further fields of the commitInfo, from the version that the commit is to follow: an account that later commits
   * build upon is copied here. Called again for each version tried.
   */
  carry?: (snapshot: Snapshot) => Record<string, unknown>
  /** Further tags of a file that is put together from files with these. */
  mergeTags?: (tags: readonly (Record<string, string> | undefined)[]) => Record<string, string>
  nowMs: number
}

export interface Optimized {
  version: number
  removedFiles: number
  addedFiles: number
}

/**
 * Table compaction: put small files together, in one commit that changes no row (`dataChange: false`). Rows keep no
 * order. Files whose bytes are not the ones that were written are refused, since a damaged file may read wrongly.
 *
 * @returns undefined when there is nothing to put together, or another writer has removed one of the files meanwhile
 * @throws TABLE_DAMAGED, and what `commit` throws
 */
export async function optimize(
  table: DeltaTable,
  session: Session,
  options: OptimizeOptions,
): Promise<Optimized | undefined> {
  const snapshot = await table.snapshot()
  const bins = snapshot ? planBins(snapshot, options.targetBytes ?? 128 * 2 ** 20) : []
  if (!snapshot || bins.length === 0) return undefined
  const adds = await stage(table, session, snapshot, bins, options)
  const removed = bins.flatMap((bin) => [...bin.values()])
  // When this throws, the commit may have happened: then the staged files are left, to vacuum if to anybody.
  const version = await commitRewrite(table, snapshot, removed, adds, options)
  if (version !== undefined) return { version, removedFiles: removed.length, addedFiles: adds.length }
  await discard(table, adds)
  return undefined
}

async function stage(
  table: DeltaTable,
  session: Session,
  snapshot: Snapshot,
  bins: readonly Map<string, AddFile>[],
  { mergeTags = () => ({}) }: OptimizeOptions,
): Promise<AddFile[]> {
  const adds: AddFile[] = []
  try {
    for (const bin of bins) {
      const add = await rewrite(table, session, snapshot, bin)
      const more = mergeTags([...bin.values()].map(({ tags }) => tags))
      if (add) adds.push({ ...add, tags: { ...more, ...add.tags } })
    }
    return adds
  } catch (error) {
    await discard(table, adds)
    throw storeFailure(error, table.prefix)
  }
}

/** Small files, oldest first, in groups of two or more that fit the target. */
function planBins({ files }: Snapshot, targetBytes: number): Map<string, AddFile>[] {
  const small = [...files].filter(([, file]) => file.size < targetBytes / 2)
  small.sort(([, a], [, b]) => a.modificationTime - b.modificationTime)
  const bins: Map<string, AddFile>[] = []
  let room = 0
  for (const [path, file] of small) {
    if (file.size > room) {
      bins.push(new Map())
      room = targetBytes
    }
    bins.at(-1)!.set(path, file)
    room -= file.size
  }
  return bins.filter((bin) => bin.size > 1)
}

async function rewrite(table: DeltaTable, session: Session, snapshot: Snapshot, files: Map<string, AddFile>) {
  const { store, prefix } = table
  let rows = 0
  for (const [path, { tags, stats }] of files) {
    if (
      tags?.sha256 !== undefined &&
      tags.sha256 !== (await sha256(await store.localPath(`${prefix}/${path}`)))
    ) {
      throw new PipelineError(
        'TABLE_DAMAGED',
        `${prefix}/${path} is not what was written: its SHA-256 differs`,
      )
    }
    rows += numRecords(stats) ?? Number.NaN
  }
  const relation = await scanSql(store, prefix, { ...snapshot, files })
  const add = await writeParquet(session, store, prefix, `SELECT * FROM ${relation}`, snapshot.schema)
  if (!Number.isNaN(rows) && rows !== (numRecords(add?.stats) ?? 0)) {
    if (add) await discard(table, [add])
    throw new PipelineError(
      'TABLE_DAMAGED',
      `${prefix}: files that should hold ${rows} rows hold ${numRecords(add?.stats) ?? 0}`,
    )
  }
  return add && { ...add, dataChange: false }
}

/** The version committed; undefined when the files to be removed are no longer all there, or the table was redefined. */
async function commitRewrite(
  table: DeltaTable,
  read: Snapshot,
  removed: readonly AddFile[],
  adds: readonly AddFile[],
  options: OptimizeOptions,
): Promise<number | undefined> {
  for (let snapshot: Snapshot | undefined = read; snapshot; snapshot = await table.snapshot()) {
    const live = new Set([...snapshot.files.values()].map(({ path }) => path))
    const same =
      snapshot.metaData.schemaString === read.metaData.schemaString &&
      snapshot.metaData.id === read.metaData.id
    if (!same || !removed.every(({ path }) => live.has(path))) return undefined
    const commitInfo: CommitInfo = {
      operation: 'OPTIMIZE',
      operationParameters: {},
      readVersion: snapshot.version,
      isBlindAppend: false,
      operationMetrics: { numRemovedFiles: String(removed.length), numAddedFiles: String(adds.length) },
      ...options.carry?.(snapshot),
    }
    const actions: Action[] = [
      { commitInfo },
      ...removed.map((file) => ({ remove: removeOf(file, options.nowMs, false) })),
      ...adds.map((add) => ({ add })),
    ]
    if (await table.commit(snapshot.version + 1, actions)) return snapshot.version + 1
  }
  return undefined
}

async function discard(table: DeltaTable, adds: readonly AddFile[]): Promise<void> {
  for (const { path } of adds) await table.store.delete(`${table.prefix}/${decodePath(path)}`)
}

function numRecords(stats: string | undefined): number | undefined {
  const count = stats === undefined ? undefined : /"numRecords":(\d+)/.exec(stats)?.[1]
  return count === undefined ? undefined : Number(count)
}
