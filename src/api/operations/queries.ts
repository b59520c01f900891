import * as v from 'valibot'
import { askQuestion, runSql } from '../../platform/index.ts'
import { operation, path } from './operation.ts'
import { withoutBytes } from './text.ts'

/** SQL over the tables, and the pipeline's questions. */
export const queryOperations = {
  sql: operation({ sql: v.string(), from: path }, async ({ platform, signal }, { sql, from }) =>
    readable(await runSql(platform, sql, from, signal)),
  ),

  questions: operation({}, async ({ platform }) =>
    platform.pipeline.questions.map(({ name, title }) => ({ name, title })),
  ),

  ask: operation({ question: v.string(), from: path }, async ({ platform, signal }, { question, from }) =>
    readable(await askQuestion(platform, question, from, signal)),
  ),
} as const

/** An answer without bytes, which JSON has not. */
function readable(answer: Awaited<ReturnType<typeof runSql>>): typeof answer {
  return { ...answer, rows: answer.rows.map((row) => withoutBytes(row) as typeof row) }
}
