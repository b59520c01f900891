export { type CleanerParts, DatasetCleaner } from './dataset-cleaner.ts'
export { fileEpochs, mergeFileTags } from './file-epochs.ts'
export { type CleanedRecord, RecordCleaner, type RecordCleanerParts } from './one-record.ts'
export {
  type Account,
  accountOf,
  type CleaningPath,
  cleaningPaths,
  definitionOf,
  epochOf,
  generationOf,
  type PairState,
  pausedAtOf,
} from './pair-state.ts'
export type { Standing } from './pair-watch.ts'
export { membersOf, Preparer, type RecordMember } from './prepare.ts'
export { type Bad, helpOf, type ReasonCode, reasons, splitReason } from './reason.ts'
export type { RestoreTarget } from './restore.ts'
export { dataTablePrefix, quarantineTablePrefix, TablePair } from './table-pair.ts'
