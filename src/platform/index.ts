export { Platform, type PlatformOptions } from './platform.ts'
export {
  askQuestion,
  listTables,
  type Report,
  type ReportedAccount,
  report,
  runSql,
  Stopwatch,
  verifyPlatform,
} from './report.ts'
