import type { ObjectStore, StoredObject } from '../core/index.ts'

/**
 * Names in a Delta log, `<prefix>/_delta_log/`: versions are 20 digits, `<version>.json` a commit,
 * `<version>.checkpoint.parquet` or `<version>.checkpoint.<part>.<parts>.parquet` a checkpoint, `<version>.crc` other
 * writers' checksums, `_last_checkpoint` a hint.
 */
export interface LogFiles {
  /** Commits by version, rising. */
  commits: Map<number, StoredObject>
  /** Complete checkpoints of the classic form, by version, rising: the keys of their parts. */
  checkpoints: Map<number, StoredObject[]>
  /** Whether there are checkpoints of the newer, uuid-named form, which are not read. */
  unreadCheckpoints: boolean
}

const fileName = /^(\d{20})\.(?:json|crc|checkpoint(?:\.(\d{10})\.(\d{10})|\.([^/]+))?\.(?:parquet|json))$/

export function logFolder(prefix: string): string {
  return `${prefix}/_delta_log/`
}

export function commitKey(prefix: string, version: number): string {
  return `${logFolder(prefix)}${digits(version)}.json`
}

export function checkpointKey(prefix: string, version: number): string {
  return `${logFolder(prefix)}${digits(version)}.checkpoint.parquet`
}

export function lastCheckpointKey(prefix: string): string {
  return `${logFolder(prefix)}_last_checkpoint`
}

/** The version a log file belongs to; undefined for any other key. */
export function versionOf(prefix: string, key: string): number | undefined {
  const match = fileName.exec(key.slice(logFolder(prefix).length))
  return match ? Number(match[1]) : undefined
}

/** The log's files of a version and the later ones. */
export async function listLog(store: ObjectStore, prefix: string, from = 0): Promise<LogFiles> {
  // Shorter than every name of its version, so before all of them.
  const after = `${logFolder(prefix)}${digits(from)}`
  const log: LogFiles = { commits: new Map(), checkpoints: new Map(), unreadCheckpoints: false }
  const parts = new Map<string, StoredObject[]>()
  for (const object of await store.list(logFolder(prefix), after)) {
    const name = object.key.slice(logFolder(prefix).length)
    const match = fileName.exec(name)
    if (!match) continue
    const version = Number(match[1])
    const [, , part, partCount, other] = match
    if (name.endsWith('.crc')) continue
    if (other !== undefined) log.unreadCheckpoints = true
    else if (part !== undefined) {
      const found = parts.get(`${version}/${partCount}`) ?? []
      parts.set(`${version}/${partCount}`, [...found, object])
      if (found.length + 1 === Number(partCount)) log.checkpoints.set(version, [...found, object])
    } else if (name.includes('.checkpoint.')) log.checkpoints.set(version, [object])
    else log.commits.set(version, object)
  }
  return log
}

function digits(version: number): string {
  return String(version).padStart(20, '0')
}
