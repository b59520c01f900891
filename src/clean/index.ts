export { type CleanerParts, DatasetCleaner } from './dataset-cleaner.ts'
export { Preparer } from './prepare.ts'
export { type ReasonCode, reasons } from './reason.ts'
export {
  type Account,
  accountOf,
  type CleaningPath,
  cleaningPaths,
  dataTablePrefix,
  emptyAccount,
  generationOf,
  type PairState,
  quarantineSchema,
  quarantineTablePrefix,
  TablePair,
} from './table-pair.ts'
