export { type CleanerParts, DatasetCleaner } from './dataset-cleaner.ts'
export {
  type Account,
  accountOf,
  type CleaningPath,
  cleaningPaths,
  generationOf,
  type PairState,
} from './pair-state.ts'
export type { Standing } from './pair-watch.ts'
export { Preparer } from './prepare.ts'
export { type ReasonCode, reasons } from './reason.ts'
export type { RestoreTarget } from './restore.ts'
export { dataTablePrefix, quarantineTablePrefix } from './table-pair.ts'
