import { type ObjectStore, PipelineError, type StoredObject } from '../core/index.ts'
import type { Engine } from '../engine/index.ts'
import { type Action, commitInfoOf, parseCommit } from './actions.ts'
import { hintedVersion, readCheckpoint } from './checkpoint.ts'
import { commitKey, type LogFiles, listLog } from './log-files.ts'
import { applyActions, emptyState, type Snapshot, snapshotOf, type TableState } from './replay.ts'

/** Commits read at the same time. */
const readAhead = 16

export interface TablePlace {
  readonly store: ObjectStore
  readonly prefix: string
  readonly engine: Engine
}

export interface Commit {
  version: number
  /** When it was committed, milliseconds since 1970. */
  timestampMs: number
  actions: Action[]
}

/** A version with the state it came from (which never changes again), and the newest checkpoint seen. */
export interface Loaded {
  snapshot: Snapshot
  state: TableState
  checkpoint: number | undefined
}

/** The newest version, from the newest checkpoint that can be read; undefined when there is no table. */
export async function loadNewest(place: TablePlace): Promise<Loaded | undefined> {
  const hinted = await hintedVersion(place.store, place.prefix)
  if (hinted !== undefined) {
    const log = await listLog(place.store, place.prefix, hinted)
    // The hint saves listing what is before; without its checkpoint it saves nothing.
    if (log.checkpoints.has(hinted)) {
      const loaded = await tryLoad(place, log)
      if (loaded) return loaded
    }
  }
  const log = await listLog(place.store, place.prefix)
  const newest = newestVersion(log)
  return newest === undefined ? undefined : load(place, log, newest)
}

/** @throws TABLE_VERSION_UNKNOWN */
export async function loadVersion(place: TablePlace, version: number): Promise<Loaded | undefined> {
  const log = await listLog(place.store, place.prefix)
  const newest = newestVersion(log)
  if (newest === undefined) return undefined
  if (!Number.isSafeInteger(version) || version < 0 || version > newest) {
    throw new PipelineError(
      'TABLE_VERSION_UNKNOWN',
      `${place.prefix} version ${version}: versions are 0 to ${newest}`,
    )
  }
  return load(place, log, version)
}

/**
 * Commits of a stretch of versions, both ends included, in order. They are read by their names, since a listing of a
 * folder that is being written may show a commit and not yet the one before.
 *
 * @throws TABLE_DAMAGED when one is missing
 */
export async function* readCommits(
  { store, prefix }: TablePlace,
  { commits }: LogFiles,
  first: number,
  last: number,
): AsyncGenerator<Commit> {
  for (let at = first; at <= last; at += readAhead) {
    const versions = Array.from({ length: Math.min(readAhead, last - at + 1) }, (_, index) => at + index)
    const contents = await Promise.all(versions.map((version) => store.get(commitKey(prefix, version))))
    for (const [index, content] of contents.entries()) {
      const version = versions[index]!
      if (!content)
        throw new PipelineError('TABLE_DAMAGED', `${prefix}: the commit of version ${version} is missing`)
      const actions = parseCommit(content, `${prefix} version ${version}`)
      const timestampMs =
        commitInfoOf(actions)?.timestamp ?? Math.floor(commits.get(version)?.modifiedMs ?? 0)
      yield { version, timestampMs, actions }
    }
  }
}

async function tryLoad(place: TablePlace, log: LogFiles): Promise<Loaded | undefined> {
  try {
    return await load(place, log, newestVersion(log)!)
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'TABLE_DAMAGED') return undefined
    throw error
  }
}

async function load(place: TablePlace, log: LogFiles, version: number): Promise<Loaded> {
  const { state, base } = await loadBase(place, log, version)
  let last: Commit | undefined
  for await (const commit of readCommits(place, log, base + 1, version)) {
    applyActions(state, commit.actions)
    last = commit
  }
  const at = { version, ...(last ? describe(last) : await describeCheckpoint(place, log, version)) }
  return { snapshot: snapshotOf(state, at, place.prefix), state, checkpoint: newestOf(log.checkpoints) }
}

/** The newest checkpoint at or before a version; -1 and nothing when the commits alone tell the version. */
async function loadBase(
  place: TablePlace,
  log: LogFiles,
  version: number,
): Promise<{ state: TableState; base: number }> {
  let unreadable: unknown
  const checkpoints = [...log.checkpoints].filter(([at]) => at <= version).reverse()
  for (const [base, parts] of checkpoints) {
    try {
      return { state: await loadCheckpoint(place, base, parts), base }
    } catch (error) {
      if (!(error instanceof PipelineError) || error.code !== 'TABLE_DAMAGED') throw error
      // An older one, or the commits alone, tell the same; if they cannot, this is the cause.
      unreadable ??= error
    }
  }
  if (!log.commits.has(0)) throw unreadable ?? unreachable(place, log, version)
  return { state: emptyState(), base: -1 }
}

/** @throws TABLE_DAMAGED when the checkpoint cannot be read */
export async function loadCheckpoint(
  place: TablePlace,
  version: number,
  parts: readonly StoredObject[],
): Promise<TableState> {
  const paths = await Promise.all(parts.map(({ key }) => place.store.localPath(key)))
  const where = `${place.prefix} checkpoint ${version}`
  const state = emptyState()
  applyActions(state, await place.engine.with((session) => readCheckpoint(session, paths, where)))
  if (!state.protocol || !state.metaData) throw new PipelineError('TABLE_DAMAGED', `${where} is not complete`)
  return state
}

/** Why a version cannot be told: the log before a later checkpoint has expired, or its beginning is missing. */
function unreachable(place: TablePlace, log: LogFiles, version: number): PipelineError {
  const where = `${place.prefix} version ${version}`
  if ((newestOf(log.checkpoints) ?? -1) > version) {
    return new PipelineError('TABLE_VERSION_UNKNOWN', `${where} is no longer in the log`)
  }
  if (log.unreadCheckpoints)
    return new PipelineError('TABLE_UNSUPPORTED', `${where}: its checkpoints are of version 2`)
  return new PipelineError('TABLE_DAMAGED', `${where}: neither version 0 nor a checkpoint is in the log`)
}

function newestVersion({ commits, checkpoints }: LogFiles): number | undefined {
  const newest = Math.max(newestOf(commits) ?? -1, newestOf(checkpoints) ?? -1)
  return newest < 0 ? undefined : newest
}

/** The greatest version of a map in rising order. */
export function newestOf(versions: ReadonlyMap<number, unknown>): number | undefined {
  return [...versions.keys()].at(-1)
}

function describe({ actions, timestampMs }: Commit) {
  return { commitInfo: commitInfoOf(actions), timestampMs }
}

/** What the commit of a checkpoint's version says, when it is still there. */
async function describeCheckpoint(place: TablePlace, log: LogFiles, version: number) {
  if (log.commits.has(version))
    for await (const found of readCommits(place, log, version, version)) return describe(found)
  return { commitInfo: undefined, timestampMs: Math.floor(log.checkpoints.get(version)![0]!.modifiedMs) }
}
