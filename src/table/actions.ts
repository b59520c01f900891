import assert from 'node:assert'
import { messageOf, PipelineError } from '../core/index.ts'
import { engineInfo, isUnchanged, sealCommit } from './commit-seal.ts'

/**
 * The actions of a Delta commit, as they stand in the log: one JSON object a line, `{"<kind>": {…}}`. Fields that
 * are not named here are not kept, except in `commitInfo`, which is free-form.
 *
 * @see Delta PROTOCOL.md, "Actions"
 */
export type Action =
  | { commitInfo: CommitInfo }
  | { protocol: Protocol }
  | { metaData: MetaData }
  | { txn: Txn }
  | { add: AddFile }
  | { remove: RemoveFile }

export interface CommitInfo {
  /** Milliseconds since 1970; `commit` fills in the time when absent. */
  timestamp?: number
  operation: string
  /** Tells a commit from every other; `commit` makes one when absent. */
  txnId?: string
  [field: string]: unknown
}

export interface Protocol {
  minReaderVersion: number
  minWriterVersion: number
  readerFeatures?: string[]
  writerFeatures?: string[]
}

export interface MetaData {
  id: string
  name?: string
  description?: string
  format: { provider: string; options: Record<string, string> }
  schemaString: string
  partitionColumns: string[]
  configuration: Record<string, string>
  /** Milliseconds since 1970. */
  createdTime?: number
}

/** A stream's progress: the newest version of an appId is the one that counts. */
export interface Txn {
  appId: string
  version: number
  /** Milliseconds since 1970. */
  lastUpdated?: number
}

export interface AddFile {
  /** Relative to the table, percent-encoded. */
  path: string
  partitionValues: Record<string, string | null>
  /** Bytes. */
  size: number
  /** Milliseconds since 1970. */
  modificationTime: number
  /** False when the rows were in the table before: streaming readers skip such files. */
  dataChange: boolean
  /** JSON text: numRecords, minValues, maxValues, nullCount. */
  stats?: string
  /** Ours hold `sha256`, hexadecimal, of the file. */
  tags?: Record<string, string>
  deletionVector?: DeletionVector
}

export interface RemoveFile {
  path: string
  /** Milliseconds since 1970. */
  deletionTimestamp?: number
  dataChange: boolean
  extendedFileMetadata?: boolean
  partitionValues?: Record<string, string | null>
  size?: number
  deletionVector?: DeletionVector
}

export interface DeletionVector {
  storageType: string
  pathOrInlineDv: string
  offset?: number
  sizeInBytes: number
  cardinality: number
}

type FieldKind = 'text' | 'number' | 'boolean' | 'list' | 'object'

/** Per kind the fields that are kept, with their shape; `!` marks the ones that must be there. */
export const actionFields = {
  protocol: {
    minReaderVersion: 'number!',
    minWriterVersion: 'number!',
    readerFeatures: 'list',
    writerFeatures: 'list',
  },
  metaData: {
    id: 'text!',
    name: 'text',
    description: 'text',
    format: 'object',
    schemaString: 'text!',
    partitionColumns: 'list',
    configuration: 'object',
    createdTime: 'number',
  },
  txn: { appId: 'text!', version: 'number!', lastUpdated: 'number' },
  add: {
    path: 'text!',
    partitionValues: 'object',
    size: 'number!',
    modificationTime: 'number',
    dataChange: 'boolean',
    stats: 'text',
    tags: 'object',
    deletionVector: 'object',
  },
  remove: {
    path: 'text!',
    deletionTimestamp: 'number',
    dataChange: 'boolean',
    extendedFileMetadata: 'boolean',
    partitionValues: 'object',
    size: 'number',
    deletionVector: 'object',
  },
} as const satisfies Record<string, Record<string, FieldKind | `${FieldKind}!`>>

/** Kinds of action that make up a table's state, so that a checkpoint holds them. */
export type StateKind = keyof typeof actionFields
export const stateKinds = Object.keys(actionFields) as StateKind[]

/** What a field that other writers leave out, or write as null, stands for. */
const fieldDefaults: Partial<Record<StateKind, Record<string, unknown>>> = {
  metaData: { format: { provider: 'parquet', options: {} }, partitionColumns: [], configuration: {} },
  add: { partitionValues: {}, modificationTime: 0, dataChange: true },
  remove: { dataChange: true },
}

/**
 * An action from the value of its kind, from a log line or a checkpoint row: known fields only, nulls left out.
 *
 * @param where named in the error
 * @throws TABLE_DAMAGED when a field is missing or of another type
 */
export function stateAction(kind: StateKind, value: unknown, where: string): Action {
  if (!isObject(value)) throw new PipelineError('TABLE_DAMAGED', `${where}: ${kind} is no object`)
  const fields: Record<string, unknown> = { ...fieldDefaults[kind] }
  for (const [name, shape] of Object.entries(actionFields[kind])) {
    const field = value[name] ?? undefined
    if (field === undefined ? shape.endsWith('!') : !hasShape(field, shape.replace('!', ''))) {
      throw new PipelineError(
        'TABLE_DAMAGED',
        `${where}: ${kind}.${name} is ${JSON.stringify(field) ?? 'missing'}`,
      )
    }
    if (field !== undefined) fields[name] = field
  }
  return { [kind]: fields } as Action
}

/**
 * The actions of a commit's content. Unknown kinds are left out.
 *
 * @throws TABLE_DAMAGED when a line is not the JSON of an action, there is none, or a commit of ours was changed
 */
export function parseCommit(content: Buffer, where: string): Action[] {
  checkSeal(content, where)
  const actions: Action[] = []
  for (const line of content.toString('utf8').split('\n')) {
    if (line.trim() === '') continue
    const entry = parseObject(line, where)
    if (isObject(entry.commitInfo)) actions.push({ commitInfo: withoutSeal(entry.commitInfo) })
    for (const kind of stateKinds) {
      if (entry[kind] !== undefined && entry[kind] !== null)
        actions.push(stateAction(kind, entry[kind], where))
    }
  }
  return actions
}

/** A commit's content; the first action is its commitInfo, which is sealed (`commit-seal.ts`). */
export function serializeCommit(actions: readonly Action[]): Buffer {
  return sealCommit(actions.map((action) => JSON.stringify(action)))
}

/** The commitInfo among a commit's actions. */
export function commitInfoOf(actions: readonly Action[]): CommitInfo | undefined {
  for (const action of actions) if ('commitInfo' in action) return action.commitInfo
  return undefined
}

/** A caller's error: what a single commit may not hold. */
export function assertCommit(actions: readonly Action[]): void {
  const seen = new Set<string>()
  for (const action of actions) {
    const id = identity(action)
    assert(!seen.has(id), `a commit holds ${id} twice`)
    seen.add(id)
  }
  assert(seen.has('commitInfo'), 'a commit holds no commitInfo')
}

function checkSeal(content: Buffer, where: string): void {
  if (content.length === 0) throw new PipelineError('TABLE_DAMAGED', `${where}: its commit is empty`)
  if (!isUnchanged(content))
    throw new PipelineError('TABLE_DAMAGED', `${where}: its commit does not match its checksum`)
}

function withoutSeal(commitInfo: Record<string, unknown>): CommitInfo {
  const { crc32: _, ...rest } = commitInfo
  return (commitInfo.engineInfo === engineInfo ? rest : commitInfo) as CommitInfo
}

function identity(action: Action): string {
  if ('add' in action) return `add ${action.add.path}`
  if ('remove' in action) return `remove ${action.remove.path}`
  if ('txn' in action) return `txn ${action.txn.appId}`
  return Object.keys(action)[0]!
}

function parseObject(line: string, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (isObject(value)) return value
  } catch (error) {
    throw new PipelineError('TABLE_DAMAGED', `${where}: ${messageOf(error)}`, { cause: error })
  }
  throw new PipelineError('TABLE_DAMAGED', `${where}: a line is no JSON object`)
}

function hasShape(value: unknown, shape: string): boolean {
  if (shape === 'text') return typeof value === 'string'
  if (shape === 'list') return Array.isArray(value)
  if (shape === 'object') return isObject(value)
  if (shape === 'number') return Number.isSafeInteger(value)
  return typeof value === shape
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
