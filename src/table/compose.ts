import { randomUUID } from 'node:crypto'
import type { Action, AddFile, MetaData, RemoveFile } from './actions.ts'
import { protocolWritten } from './protocol.ts'
import type { Snapshot } from './replay.ts'
import { schemaString, type TableSchema } from './schema.ts'

/** Actions that, beside a commitInfo and any adds, make version 0 of a table. */
export function createActions(
  schema: TableSchema,
  configuration: Record<string, string>,
  nowMs: number,
): Action[] {
  const metaData: MetaData = {
    id: randomUUID(),
    format: { provider: 'parquet', options: {} },
    schemaString: schemaString(schema),
    partitionColumns: [],
    configuration,
    createdTime: nowMs,
  }
  return [{ protocol: protocolWritten }, { metaData }]
}

/** The action that gives a table another schema and configuration; it stays the same table. */
export function redefineAction(
  snapshot: Snapshot,
  schema: TableSchema,
  configuration: Record<string, string>,
): Action {
  const { metaData } = snapshot
  return { metaData: { ...metaData, schemaString: schemaString(schema), configuration } }
}

/** Replace all rows: every live file goes, `adds` come. */
export function overwriteActions(snapshot: Snapshot, adds: readonly AddFile[], nowMs: number): Action[] {
  const removes = [...snapshot.files.values()].map((file) => ({ remove: removeOf(file, nowMs) }))
  return [...removes, ...adds.map((add) => ({ add }))]
}

/** The `remove` of a live file. */
export function removeOf(file: AddFile, nowMs: number, dataChange = true): RemoveFile {
  const { path, partitionValues, size } = file
  return { path, deletionTimestamp: nowMs, dataChange, extendedFileMetadata: true, partitionValues, size }
}
