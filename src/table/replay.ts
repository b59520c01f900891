import { PipelineError } from '../core/index.ts'
import type { Action, AddFile, CommitInfo, MetaData, Protocol, RemoveFile } from './actions.ts'
import { checkReadable } from './protocol.ts'
import { parseSchemaString, type TableSchema } from './schema.ts'

/** A table at one version; never changes. */
export interface Snapshot {
  readonly version: number
  readonly protocol: Protocol
  readonly metaData: MetaData
  readonly schema: TableSchema
  /** Live files by their decoded path, relative to the table. */
  readonly files: ReadonlyMap<string, AddFile>
  /** Newest version by appId. */
  readonly txns: ReadonlyMap<string, number>
  /** Files removed, by decoded path; those removed more than seven days ago may be missing. */
  readonly tombstones: ReadonlyMap<string, RemoveFile>
  /** Of the commit of this version; undefined when its JSON is gone or holds none. */
  readonly commitInfo: CommitInfo | undefined
  /** When the version was committed, milliseconds since 1970. */
  readonly timestampMs: number
}

/** What the actions up to some version come to; changes as actions are applied. */
export interface TableState {
  protocol?: Protocol
  metaData?: MetaData
  txns: Map<string, { version: number; lastUpdated?: number }>
  /** By decoded path, and deletion vector where there is one. */
  files: Map<string, AddFile>
  tombstones: Map<string, RemoveFile>
}

export function emptyState(): TableState {
  return { txns: new Map(), files: new Map(), tombstones: new Map() }
}

export function copyState(state: TableState): TableState {
  return {
    ...state,
    txns: new Map(state.txns),
    files: new Map(state.files),
    tombstones: new Map(state.tombstones),
  }
}

/** Apply the actions of one commit, or all of a checkpoint. */
export function applyActions(state: TableState, actions: readonly Action[]): void {
  for (const action of actions) {
    if ('protocol' in action) state.protocol = action.protocol
    else if ('metaData' in action) state.metaData = action.metaData
    else if ('txn' in action) {
      const { appId, ...txn } = action.txn
      state.txns.set(appId, txn)
    } else if ('add' in action) {
      const key = fileKey(action.add)
      state.files.set(key, action.add)
      state.tombstones.delete(key)
    } else if ('remove' in action) {
      const key = fileKey(action.remove)
      state.files.delete(key)
      state.tombstones.set(key, action.remove)
    }
  }
}

/**
 * A snapshot that shares the state's maps: the state must not change afterwards.
 *
 * @throws TABLE_DAMAGED without protocol or metaData; TABLE_UNSUPPORTED for what is not implemented
 */
export function snapshotOf(
  state: TableState,
  at: { version: number; commitInfo: CommitInfo | undefined; timestampMs: number },
  table: string,
): Snapshot {
  const { protocol, metaData, files, tombstones } = state
  const where = `${table} version ${at.version}`
  if (!protocol || !metaData)
    throw new PipelineError('TABLE_DAMAGED', `${where} has no ${protocol ? 'metaData' : 'protocol'}`)
  checkReadable(protocol, metaData, where)
  for (const [path, file] of files) {
    if (file.deletionVector)
      throw new PipelineError('TABLE_UNSUPPORTED', `${where}: deletion vector of ${path}`)
  }
  return {
    ...at,
    protocol,
    metaData,
    schema: parseSchemaString(metaData.schemaString, where).map(({ name, type }) => ({ name, type })),
    files,
    txns: new Map([...state.txns].map(([appId, txn]) => [appId, txn.version])),
    tombstones,
  }
}

/**
 * A path of the log (a percent-encoded URI) as segments of a key below the table's prefix.
 *
 * @throws TABLE_UNSUPPORTED for a file outside the table; TABLE_DAMAGED for what is no path
 */
export function decodePath(path: string): string {
  if (path.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(path)) {
    throw new PipelineError('TABLE_UNSUPPORTED', `file ${path} is outside of the table`)
  }
  const decoded = decodeOrUndefined(path)
  const illegal =
    decoded === undefined ||
    decoded.split('/').some((part) => ['', '.', '..'].includes(part) || part.includes('\0'))
  if (illegal) throw new PipelineError('TABLE_DAMAGED', `${JSON.stringify(path)} is no path of a file`)
  return decoded
}

function decodeOrUndefined(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function fileKey({ path, deletionVector }: AddFile | RemoveFile): string {
  const decoded = decodePath(path)
  return deletionVector
    ? `${decoded}\0${deletionVector.pathOrInlineDv}@${deletionVector.offset ?? ''}`
    : decoded
}
