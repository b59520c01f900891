import { PipelineError } from '../core/index.ts'
import { decodePath, type Snapshot } from '../table/index.ts'
import type { CatalogTable, SeenTable } from './catalog.ts'

/** What a question about the past names: a version of every table, or a time in milliseconds since 1970. */
export type At = { version: number } | { timeMs: number }

/**
 * The tables as they were: at a version, or at the newest version that was committed at or before a time.
 *
 * @returns `unreadable`: tables that are there, but not as they were then; a quarantine of which one way of cleaning is
 * among them is not in `seen` with the other, for in SQL it is one table
 */
export async function versionsAt(
  catalog: readonly CatalogTable[],
  at: At,
): Promise<{ seen: SeenTable[]; unreadable: { name: string; error: PipelineError }[] }> {
  const seen: SeenTable[] = []
  const unreadable: { name: string; error: PipelineError }[] = []
  const halfQuarantines = new Set<string>()
  for (const entry of catalog) {
    try {
      const snapshot = await snapshotAt(entry, at)
      if (snapshot) seen.push({ ...entry, snapshot })
    } catch (error) {
      if (!(error instanceof PipelineError) || error.retriable) throw error
      unreadable.push({ name: entry.name, error })
      if (entry.kind === 'quarantine') halfQuarantines.add(entry.dataset)
    }
  }
  const isWhole = ({ kind, dataset }: SeenTable) => kind === 'data' || !halfQuarantines.has(dataset)
  return { seen: seen.filter(isWhole), unreadable }
}

/** @returns undefined when there is no such table at all @throws TABLE_VERSION_UNKNOWN */
async function snapshotAt({ name, table }: CatalogTable, at: At): Promise<Snapshot | undefined> {
  const newest = await table.snapshot()
  if (!newest) return undefined
  const unknown = async (what: string) => {
    const has = versionsText(await table.oldestCommit(), newest)
    return new PipelineError('TABLE_VERSION_UNKNOWN', `${name} ${what}: it has ${has}`)
  }
  const version = 'version' in at ? at.version : await table.versionAt(at.timeMs)
  if (version === undefined || version > newest.version) throw await unknown(whenText(at))
  const snapshot = await table.snapshot(version).catch(async (error: unknown) => {
    if (!(error instanceof PipelineError && error.code === 'TABLE_VERSION_UNKNOWN')) throw error
    throw await unknown(`version ${version} is no longer in its log`)
  })
  if (!snapshot) return undefined
  const there = new Set((await table.store.list(`${table.prefix}/`)).map(({ key }) => key))
  const isGone = (path: string) => !there.has(`${table.prefix}/${decodePath(path)}`)
  const gone = [...snapshot.files.values()].filter(({ path }) => isGone(path)).length
  if (gone === 0 || version === newest.version) return snapshot
  throw await unknown(
    `version ${version} is there, but ${gone} of its ${snapshot.files.size} files were deleted by vacuum`,
  )
}

function whenText(at: At): string {
  return 'version' in at
    ? `has no version ${at.version}`
    : `was not there at ${new Date(at.timeMs).toISOString()}`
}

function versionsText(
  oldest: { version: number; timestampMs: number } | undefined,
  newest: Snapshot,
): string {
  if (!oldest || oldest.version === newest.version)
    return `version ${newest.version} of ${new Date(newest.timestampMs).toISOString()} alone`
  const [from, to] = [oldest, newest].map(({ timestampMs }) => new Date(timestampMs).toISOString())
  return `versions ${oldest.version} (${from}) to ${newest.version} (${to})`
}
