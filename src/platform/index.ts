export { type KeptAnswer, type KeptRun, keptAnswer } from './answer-book.ts'
export { askQuestion, emitSql, questionNamed, runSql } from './asking.ts'
export { answerBook, changesSince, type Kept, keepAnswers } from './keep-answers.ts'
export { Platform } from './platform.ts'
export type { PlatformOptions } from './platform-options.ts'
export type { QuestionAnswer } from './question-answer.ts'
export {
  listTables,
  type Report,
  type ReportedAccount,
  report,
  Stopwatch,
  verifyPlatform,
} from './report.ts'
export { traceKeyOf, traceRecords } from './trace.ts'
