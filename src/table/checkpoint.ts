import assert from 'node:assert'
import { createHash, randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { messageOf, type ObjectStore, PipelineError } from '../core/index.ts'
import { identifier, literal, type Session } from '../engine/index.ts'
import { type Action, actionFields, stateAction, stateKinds } from './actions.ts'
import { checkpointKey, lastCheckpointKey } from './log-files.ts'
import { storeFailure } from './parquet/write.ts'
import { applyActions, emptyState, type TableState } from './replay.ts'

/**
 * Classic checkpoints (V1): one Parquet file with a row per action and a column per kind. A checkpoint holds the
 * state and nothing else: no commitInfo, and of the removed files only those that a reader of an older version may
 * still need. It appears whole or not at all, and only after it was read back and found equal to the state.
 *
 * @see Delta PROTOCOL.md, "Checkpoints"
 */

/** Removed files are remembered, and not deleted, this long. */
export const tombstoneRetentionMs = 7 * 24 * 3_600_000

/** Name of the file's metadata that holds the SHA-256 of its actions. */
const sealName = 'pinflow_actions_sha256'

const stringMap = 'MAP(VARCHAR, VARCHAR)'
const deletionVector =
  'STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, "offset" INTEGER, sizeInBytes INTEGER, cardinality BIGINT)'

const columnTypes: Record<(typeof stateKinds)[number], string> = {
  protocol:
    'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])',
  metaData: `STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options ${stringMap}), schemaString VARCHAR, partitionColumns VARCHAR[], configuration ${stringMap}, createdTime BIGINT)`,
  txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',
  add: `STRUCT(path VARCHAR, partitionValues ${stringMap}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags ${stringMap})`,
  remove: `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${stringMap}, size BIGINT, deletionVector ${deletionVector})`,
}

/** The state as a checkpoint holds it. */
function checkpointActions(state: TableState, nowMs: number): Action[] {
  assert(state.protocol && state.metaData)
  const kept = [...state.tombstones.values()].filter(
    ({ deletionTimestamp = 0 }) => deletionTimestamp > nowMs - tombstoneRetentionMs,
  )
  return [
    { protocol: state.protocol },
    { metaData: state.metaData },
    ...[...state.txns].map(([appId, txn]) => ({ txn: { appId, ...txn } })),
    ...[...state.files.values()].map((add) => ({ add: { ...add, dataChange: false } })),
    ...kept.map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ]
}

/**
 * Write the checkpoint of a version, unless there is one; durable when this resolves.
 *
 * What a crash leaves behind is a file that no version names, in the table's folder: vacuum deletes it.
 */
export async function writeCheckpoint(
  session: Session,
  store: ObjectStore,
  prefix: string,
  version: number,
  state: TableState,
  nowMs: number,
): Promise<void> {
  const actions = checkpointActions(state, nowMs)
  const rowsKey = `${prefix}/checkpoint-${randomUUID()}.rows`
  const stagedKey = `${prefix}/checkpoint-${randomUUID()}.staged`
  try {
    const rowsPath = await store.localPath(rowsKey)
    const stagedPath = await store.localPath(stagedKey)
    await writeFile(rowsPath, actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
    const columns = stateKinds.map((kind) => `${identifier(kind)}: ${literal(columnTypes[kind])}`).join(', ')
    await session.run(
      `COPY (SELECT * FROM read_json(${literal(rowsPath)}, format = 'newline_delimited', columns = {${columns}}))` +
        ` TO ${literal(stagedPath)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${sealName}: ${literal(sealOf(actions))}})`,
    )
    await checkHolds(session, stagedPath, actions)
    const content = await readFile(stagedPath)
    await store.putIfAbsent(checkpointKey(prefix, version), content)
    await putHint(store, prefix, {
      version,
      size: actions.length,
      sizeInBytes: content.length,
      numOfAddFiles: state.files.size,
    })
  } catch (error) {
    throw storeFailure(error, checkpointKey(prefix, version))
  } finally {
    await store.delete(rowsKey)
    await store.delete(stagedKey)
  }
}

/** A checkpoint replaces the commits before it, so it is compared action for action before it counts. */
async function checkHolds(session: Session, path: string, actions: readonly Action[]): Promise<void> {
  const read = emptyState()
  applyActions(read, await readCheckpoint(session, [path], path))
  const meant = emptyState()
  applyActions(meant, actions)
  if (!isDeepStrictEqual(read, meant)) {
    throw new PipelineError(
      'TABLE_DAMAGED',
      `checkpoint ${path} was written, but reads back as something else`,
    )
  }
}

interface Hint {
  version: number
  /** Actions. */
  size: number
  sizeInBytes: number
  numOfAddFiles: number
}

async function putHint(store: ObjectStore, prefix: string, hint: Hint): Promise<void> {
  const present = await hintedVersion(store, prefix)
  if (present !== undefined && present >= hint.version) return
  await store.put(lastCheckpointKey(prefix), Buffer.from(JSON.stringify(hint)))
}

/** The version `_last_checkpoint` names: a hint that may be missing, unreadable or wrong. */
export async function hintedVersion(store: ObjectStore, prefix: string): Promise<number | undefined> {
  const content = await store.get(lastCheckpointKey(prefix))
  if (!content) return undefined
  try {
    const { version } = JSON.parse(content.toString('utf8')) as { version?: unknown }
    return Number.isSafeInteger(version) && (version as number) >= 0 ? (version as number) : undefined
  } catch {
    // Not JSON: no hint. The listing of the log tells the same.
    return undefined
  }
}

/**
 * The actions of a checkpoint, given the files of its parts.
 *
 * @throws TABLE_DAMAGED when it cannot be read, TABLE_UNSUPPORTED when it names further files (sidecars)
 */
export async function readCheckpoint(
  session: Session,
  paths: readonly string[],
  where: string,
): Promise<Action[]> {
  const files = `read_parquet([${paths.map(literal).join(', ')}], union_by_name = true, hive_partitioning = false, binary_as_string = true)`
  try {
    const fields = await session.fields(`SELECT * FROM ${files}`)
    const actions = await readActions(session, files, fields, where)
    if (fields.has('sidecar')) await refuseSidecars(session, files, where)
    await checkSeal(session, paths, actions, where)
    return actions
  } catch (error) {
    if (error instanceof PipelineError) throw error
    throw new PipelineError('TABLE_DAMAGED', `${where}: ${messageOf(error)}`, { cause: error })
  }
}

/** A checkpoint of ours says what it holds: damaged Parquet often reads, and reads wrongly. */
async function checkSeal(
  session: Session,
  paths: readonly string[],
  actions: readonly Action[],
  where: string,
): Promise<void> {
  const [told] = await session.rows(
    `SELECT decode(value) AS seal FROM parquet_kv_metadata([${paths.map(literal).join(', ')}]) WHERE key = encode(${literal(sealName)})`,
  )
  if (told === undefined || told.seal === sealOf(actions)) return
  throw new PipelineError('TABLE_DAMAGED', `${where} holds other actions than were written`)
}

/** SHA-256 of the actions in any order, each with its members in any order. */
function sealOf(actions: readonly Action[]): string {
  const lines = actions.map((action) => JSON.stringify(inOrder(action))).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inOrder)
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, inOrder(member)]),
  )
}

/** Other writers add fields (parsed statistics with NaN, which JSON has not): only those we know are read. */
async function readActions(
  session: Session,
  files: string,
  fields: ReadonlyMap<string, readonly string[]>,
  where: string,
): Promise<Action[]> {
  const kinds = stateKinds.filter((kind) => fields.has(kind))
  const columns = kinds.map((kind) => {
    const column = identifier(kind)
    const found = fields.get(kind)!
    const known = found.filter((name) => Object.hasOwn(actionFields[kind], name))
    const members = known.map((name) => `${literal(name)}: ${column}.${identifier(name)}`)
    // A struct that is taken apart and put together again takes longer.
    const json = `to_json(${known.length === found.length ? column : `{${members.join(', ')}}`})`
    return `CASE WHEN ${column} IS NOT NULL THEN CAST(${json} AS VARCHAR) END AS ${column}`
  })
  if (columns.length === 0) return []
  const rows = await session.rows(`SELECT ${columns.join(', ')} FROM ${files}`)
  return kinds.flatMap((kind) =>
    rows
      .filter((row) => row[kind] !== null)
      .map((row) => stateAction(kind, withoutNulls(JSON.parse(String(row[kind]))), where)),
  )
}

/** Fields that are null were absent; null partition values stay. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(
    entries.map(([name, field]) => [name, name === 'deletionVector' ? withoutNulls(field) : field]),
  )
}

async function refuseSidecars(session: Session, files: string, where: string): Promise<void> {
  const [row] = await session.rows(`SELECT count(sidecar) AS "count" FROM ${files}`)
  if (row?.count !== 0) throw new PipelineError('TABLE_UNSUPPORTED', `${where} has sidecar files`)
}
