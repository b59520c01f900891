import type { CleaningPath } from '../clean/index.ts'
import { memoryShares, PipelineError } from '../core/index.ts'
import type { Question } from '../pipeline/index.ts'
import { type Answer, type At, answer, ask, gathered, type RowSink, type Told } from '../query/index.ts'
import type { Platform } from './platform.ts'
import { type QuestionAnswer, questionAnswer } from './question-answer.ts'
import { withTables } from './with-tables.ts'

/** For who asks, and does not give up. */
export const nobodyLeaves: AbortSignal = new AbortController().signal

interface AskOptions {
  /** Ends it. */
  signal?: AbortSignal | undefined
  /** The tables as they were; absent: as they are. */
  at?: At | undefined
}

/**
 * Give the answer to a text as it comes.
 *
 * @throws what `answer` throws; TABLE_VERSION_UNKNOWN when a table that the text reads was not there then
 */
export async function emitSql(
  platform: Platform,
  sql: string,
  from: CleaningPath,
  sink: RowSink,
  { signal = nobodyLeaves, at }: AskOptions = {},
): Promise<Told> {
  const { told } = await withTables(platform, sql, at, sink, (text, tables, rows) =>
    answer(text, tables, from, platform.queries, rows, signal),
  )
  return told
}

/** As `emitSql`, whole. @throws ANSWER_TOO_LARGE beyond its share of memory */
export function runSql(
  platform: Platform,
  sql: string,
  from: CleaningPath,
  options?: AskOptions,
): Promise<Answer> {
  return gathered(wholeBytesMax(platform), (sink) => emitSql(platform, sql, from, sink, options))
}

/** The whole answer to a question of the pipeline. @throws QUESTION_UNKNOWN, and as `runSql` */
export async function askQuestion(
  platform: Platform,
  name: string,
  from: CleaningPath,
  { signal = nobodyLeaves, at }: AskOptions = {},
): Promise<QuestionAnswer> {
  const question = questionNamed(platform, name)
  const asked = Promise.withResolvers<Parameters<typeof questionAnswer>[2]>()
  const answered = await gathered(wholeBytesMax(platform), async (sink) => {
    const { told, seen } = await withTables(platform, question.sql, at, sink, (sql, tables, rows) =>
      ask({ ...question, sql }, tables, from, platform.queries, rows, signal),
    )
    asked.resolve(seen)
    return told
  })
  return questionAnswer(question, answered, await asked.promise)
}

/** @throws QUESTION_UNKNOWN */
export function questionNamed({ pipeline }: Platform, name: string): Question {
  const question = pipeline.questions.find((known) => known.name === name)
  if (question) return question
  const known = pipeline.questions.map((other) => other.name).join(', ')
  throw new PipelineError('QUESTION_UNKNOWN', `there is no question ${name}, but ${known || 'none'}`)
}

function wholeBytesMax({ config }: Platform): number {
  return memoryShares(config.memory.capBytes).answerBytes
}
