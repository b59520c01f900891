export { type CleanerParts, DatasetCleaner } from './dataset-cleaner.ts'
export { Preparer } from './prepare.ts'
export { type ReasonCode, reasons } from './reason.ts'
export {
  type Account,
  accountOf,
  type CleaningPath,
  cleaningPaths,
  dataTablePrefix,
  generationOf,
  type PairState,
  quarantineTablePrefix,
} from './table-pair.ts'
