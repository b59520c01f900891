import * as v from 'valibot'
import {
  answerBook,
  askQuestion,
  changesSince,
  emitSql,
  type KeptAnswer,
  keepAnswers,
  keptAnswer,
  questionNamed,
} from '../../platform/index.ts'
import type { RowSink } from '../../query/index.ts'
import { integer, operation, path } from './operation.ts'

/** A version of the tables, or a time in milliseconds since 1970: the newest versions at or before it. */
const at = v.exactOptional(
  v.union([v.strictObject({ version: integer(0) }), v.strictObject({ timeMs: integer(0) })]),
)

/** SQL over the tables, the pipeline's questions, and the answers that are kept. */
export const queryOperations = {
  /** Rows are items `{ rows }`, so that no answer is held; `{ columns }` comes before them. */
  sql: operation({ sql: v.string(), from: path, at }, ({ platform, signal, emit }, { sql, from, at }) => {
    const sink: RowSink = { onColumns: (columns) => emit({ columns }), onRows: (rows) => emit({ rows }) }
    return emitSql(platform, sql, from, sink, { signal, at })
  }),

  questions: operation({}, async ({ platform }) =>
    platform.pipeline.questions.map(({ name, title }) => ({ name, title })),
  ),

  /** Answer one question, or all: each answer is an item, the result tells the run under which they are kept. */
  ask: operation(
    { question: v.exactOptional(v.string()), from: path, at },
    async ({ platform, signal, emit }, { question, from, at }) => {
      const { questions } = platform.pipeline
      const asked = question === undefined ? questions : [questionNamed(platform, question)]
      const answers: KeptAnswer[] = []
      for (const known of asked) {
        const answer = await askQuestion(platform, known.name, from, { signal, at })
        answers.push(keptAnswer(known, answer))
        await emit({ question: known.name, ...answer })
      }
      return keepAnswers(platform, { by: 'ask', from, at, answers })
    },
  ),

  /** The runs whose answers are kept, the newest first. */
  keptRuns: operation({}, async ({ platform }) => {
    const runs = []
    for await (const kept of answerBook(platform).all()) {
      if ('error' in kept) runs.push({ run: kept.run, error: kept.error.message })
      else {
        const { run, timeMs, by, from, at, answers } = kept
        runs.push({ run, timeMs, by, from, ...(at && { at }), questions: answers.map((a) => a.question) })
      }
    }
    return runs
  }),

  /** The answers of one run as they were given, and what has changed since. */
  keptRun: operation({ run: integer(1) }, async ({ platform }, { run }) => {
    const kept = await answerBook(platform).read(run)
    const answers = kept.answers.map((answer) => ({ ...answer, changes: changesSince(platform, answer) }))
    return { ...kept, answers }
  }),
} as const
