export { askQuestion, emitQuestion, emitSql, runSql } from './asking.ts'
export { Platform, type PlatformOptions } from './platform.ts'
export {
  listTables,
  type Report,
  type ReportedAccount,
  report,
  Stopwatch,
  verifyPlatform,
} from './report.ts'
