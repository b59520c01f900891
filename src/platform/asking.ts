import type { CleaningPath } from '../clean/index.ts'
import { memoryShares, PipelineError } from '../core/index.ts'
import {
  type Answer,
  answer,
  ask,
  gathered,
  newestVersions,
  type RowSink,
  type SeenTable,
  type Told,
} from '../query/index.ts'
import type { Platform } from './platform.ts'

const nobodyLeaves = new AbortController().signal

/** Give the answer to a text as it comes. @throws what `answer` throws */
export function emitSql(
  platform: Platform,
  sql: string,
  from: CleaningPath,
  sink: RowSink,
  signal: AbortSignal = nobodyLeaves,
): Promise<Told> {
  return withTables(platform, (seen) => answer(sql, seen, from, platform.queries, sink, signal))
}

/** Give the answer to a question of the pipeline as it comes. @throws QUESTION_UNKNOWN, what `answer` throws */
export async function emitQuestion(
  platform: Platform,
  name: string,
  from: CleaningPath,
  sink: RowSink,
  signal: AbortSignal = nobodyLeaves,
): Promise<Told> {
  const question = platform.pipeline.questions.find((known) => known.name === name)
  if (!question) {
    const known = platform.pipeline.questions.map((other) => other.name).join(', ')
    throw new PipelineError('QUESTION_UNKNOWN', `there is no question ${name}, but ${known || 'none'}`)
  }
  return withTables(platform, (seen) => ask(question, seen, from, platform.queries, sink, signal))
}

/** As `emitSql`, whole, while it fits its share of memory. */
export function runSql(
  platform: Platform,
  sql: string,
  from: CleaningPath,
  signal?: AbortSignal,
): Promise<Answer> {
  return gathered(wholeBytesMax(platform), (sink) => emitSql(platform, sql, from, sink, signal))
}

/** As `emitQuestion`, whole, while it fits its share of memory. */
export function askQuestion(
  platform: Platform,
  name: string,
  from: CleaningPath,
  signal?: AbortSignal,
): Promise<Answer> {
  return gathered(wholeBytesMax(platform), (sink) => emitQuestion(platform, name, from, sink, signal))
}

function wholeBytesMax({ config }: Platform): number {
  return memoryShares(config.memory.capBytes).answerBytes
}

/** Ask the tables that can be read. Where the text means another, the error says what is wrong with that. */
async function withTables(
  platform: Platform,
  query: (seen: readonly SeenTable[]) => Promise<Told>,
): Promise<Told> {
  const { seen, unreadable } = await newestVersions(platform.catalog)
  try {
    return await query(seen)
  } catch (error) {
    const [first] = unreadable
    if (!first || !(error instanceof PipelineError && error.code === 'QUERY_INVALID')) throw error
    const others = unreadable.map(({ name }) => name).join(', ')
    throw new PipelineError(
      'QUERY_INVALID',
      `${error.message}\n(not readable: ${others}: ${first.error.message})`,
    )
  }
}
