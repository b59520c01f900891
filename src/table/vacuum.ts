import type { StoredObject } from '../core/index.ts'
import { tombstoneRetentionMs } from './checkpoint.ts'
import type { DeltaTable } from './delta-table.ts'
import { loadCheckpoint, newestOf } from './load.ts'
import { type LogFiles, listLog, logFolder, versionOf } from './log-files.ts'

const logRetentionMs = 30 * 24 * 3_600_000

export interface RetentionOptions {
  /** Younger files stay. Below the default, versions that are being read or written may lose their files. */
  retentionMs?: number
  nowMs: number
}

/**
 * Files below the table that no reader needs: in no version's live files, not removed within the retention
 * (default seven days), and themselves older than it, so that nothing just staged is among them. Names that begin
 * with `_` or `.` are never.
 */
export async function vacuumable(table: DeltaTable, options: RetentionOptions): Promise<StoredObject[]> {
  const oldestMs = options.nowMs - (options.retentionMs ?? tombstoneRetentionMs)
  const root = `${table.prefix}/`
  // Listed first: what is committed after this is either younger, or in the snapshot.
  const objects = await table.store.list(root)
  const snapshot = await table.snapshot()
  if (!snapshot) return []
  const { files, tombstones } = snapshot
  return objects.filter(({ key, modifiedMs }) => {
    const path = key.slice(root.length)
    if (path.split('/').some((part) => /^[_.]/.test(part)) || modifiedMs > oldestMs || files.has(path))
      return false
    const removed = tombstones.get(path)
    return removed === undefined || (removed.deletionTimestamp ?? 0) <= oldestMs
  })
}

/** Delete what `vacuumable` lists, and say what it was. Versions older than the retention can then not be read. */
export async function vacuum(table: DeltaTable, options: RetentionOptions): Promise<StoredObject[]> {
  const objects = await vacuumable(table, options)
  for (const { key } of objects) await table.store.delete(key)
  return objects
}

/**
 * Delete expired log files: everything before the newest checkpoint that is itself older than the retention
 * (default 30 days). That checkpoint is read first, and stays with its commit, so every younger version stays.
 *
 * @returns keys deleted
 * @throws TABLE_DAMAGED when that checkpoint cannot be read; then nothing was deleted
 */
export async function expireLog(table: DeltaTable, options: RetentionOptions): Promise<string[]> {
  const cutoffMs = options.nowMs - (options.retentionMs ?? logRetentionMs)
  const log = await listLog(table.store, table.prefix)
  const first = newestOf(
    new Map([...log.checkpoints].filter(([version]) => version <= lastExpired(log, cutoffMs))),
  )
  if (first === undefined) return []
  await loadCheckpoint(table, first, log.checkpoints.get(first)!)
  const deleted: string[] = []
  for (const { key } of await table.store.list(logFolder(table.prefix))) {
    const version = versionOf(table.prefix, key)
    if (version === undefined || version >= first) continue
    await table.store.delete(key)
    deleted.push(key)
  }
  return deleted
}

/** The newest of the commits that are all older than the cut-off; -1 when the oldest is not. */
function lastExpired({ commits }: LogFiles, cutoffMs: number): number {
  let expired = -1
  for (const [version, { modifiedMs }] of commits) {
    if (modifiedMs > cutoffMs) break
    expired = version
  }
  return expired
}
