export type {
  Action,
  AddFile,
  CommitInfo,
  MetaData,
  Protocol,
  RemoveFile,
  Txn,
} from './actions.ts'
export { createActions, overwriteActions, redefineAction, removeOf } from './compose.ts'
export { DeltaTable } from './delta-table.ts'
export type { Commit } from './load.ts'
export { type Optimized, type OptimizeOptions, optimize } from './optimize.ts'
export { fileColumn, scanSql } from './parquet/scan.ts'
export { writeParquet } from './parquet/write.ts'
export { decodePath, type Snapshot } from './replay.ts'
export { type DeltaType, duckDbType, schemaFromDuckDb, schemaString, type TableSchema } from './schema.ts'
export { expireLog, type RetentionOptions, vacuum, vacuumable } from './vacuum.ts'
