import type { CleaningPath } from '../clean/index.ts'
import { messageOf } from '../core/index.ts'
import type { At } from '../query/index.ts'
import { AnswerBook, hashOf, type KeptAnswer, type KeptRun } from './answer-book.ts'
import type { Platform } from './platform.ts'

const books = new WeakMap<Platform, AnswerBook>()

/** The book of answers in a platform's data folder. */
export function answerBook(platform: Platform): AnswerBook {
  const book = books.get(platform) ?? new AnswerBook(platform.folder.root)
  books.set(platform, book)
  return book
}

/** The run under which answers are kept, or why they are not: the answers themselves do not suffer by it. */
export type Kept = { run: number } | { notKept: string }

export async function keepAnswers(
  platform: Platform,
  given: { by: KeptRun['by']; from: CleaningPath; at?: At | undefined; answers: KeptAnswer[] },
): Promise<Kept> {
  const { by, from, at, answers } = given
  try {
    const run = { timeMs: Date.now(), by, from, ...(at && { at }), answers }
    return { run: await answerBook(platform).keep(run) }
  } catch (error) {
    return { notKept: messageOf(error) }
  }
}

/** What is no longer as it was when an answer was given, in words. */
export function changesSince({ pipeline }: Platform, answer: KeptAnswer): string[] {
  const changes: string[] = []
  const question = pipeline.questions.find(({ name }) => name === answer.question)
  if (!question) changes.push('the pipeline no longer has this question')
  else if (hashOf(question.sql) !== answer.sqlSha256) changes.push('the text of the question has changed')
  const definitions = new Map(pipeline.datasets.map(({ name, definition }) => [name, definition]))
  const datasets = new Set<string>()
  for (const [table, { definition }] of Object.entries(answer.tables)) {
    const dataset = table.split('.').at(-1) ?? table
    if (definitions.get(dataset) !== definition) datasets.add(dataset)
  }
  for (const dataset of datasets) {
    const isThere = definitions.has(dataset)
    changes.push(
      isThere ? `the definition of ${dataset} has changed` : `the pipeline no longer has dataset ${dataset}`,
    )
  }
  return changes
}
