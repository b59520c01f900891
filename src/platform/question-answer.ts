import { definitionOf } from '../clean/index.ts'
import type { Question } from '../pipeline/index.ts'
import { type Answer, type SeenTable, type Ties, tiesOf } from '../query/index.ts'

/** A table that an answer was read from. */
export interface ReadTable {
  version: number
  /** The definition it was made by. */
  definition: string
  /** When the newest records in it were taken, in milliseconds since 1970; null where its commits do not tell. */
  dataTimeMs: number | null
}

/** The answer to a question of the pipeline. */
export interface QuestionAnswer extends Answer {
  title: string
  tables: Record<string, ReadTable>
  /** Absent where the question says nothing of ties. */
  ties?: Ties
}

/** @param seen what was asked, of which `versions` tells what was read */
export function questionAnswer(
  { title, ties }: Question,
  answer: Answer,
  seen: readonly SeenTable[],
): QuestionAnswer {
  const read = seen.filter(({ name }) => Object.hasOwn(answer.versions, name))
  const tables = Object.fromEntries(read.map(({ name, snapshot }) => [name, readTable(snapshot)]))
  const known = new Set(answer.columns.map(({ name }) => name))
  const isWhole = ties?.every((column) => known.has(column)) ?? false
  return { title, ...answer, tables, ...(ties && isWhole && { ties: tiesOf(answer.rows, ties) }) }
}

function readTable(snapshot: SeenTable['snapshot']): ReadTable {
  const told = snapshot.commitInfo?.pinflow as { epochTimeMs?: number } | undefined
  return {
    version: snapshot.version,
    definition: definitionOf(snapshot),
    dataTimeMs: told?.epochTimeMs ?? null,
  }
}
