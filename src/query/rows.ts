import { PipelineError } from '../core/index.ts'
import type { Row } from '../engine/index.ts'
import type { Column } from './guard/protocol.ts'

export type { Column }

/** Takes an answer as it comes. What it throws ends the query, and is thrown to who asked. */
export interface RowSink {
  /** Once, before any row. */
  onColumns?(columns: Column[]): Promise<void> | void
  /** Some rows, as JSON has them; the next come when it has settled. @param bytes what they take as JSON */
  onRows(rows: Row[], bytes: number): Promise<void> | void
}

/** What is known once all rows have been given. */
export interface Told {
  columns: Column[]
  /** The version of each table that the text reads. */
  versions: Record<string, number>
}

export interface Answer extends Told {
  rows: Row[]
}

/** A whole answer, in memory. @throws ANSWER_TOO_LARGE when its rows, as JSON, have more than `bytesMax` */
export async function gathered(
  bytesMax: number,
  answering: (sink: RowSink) => Promise<Told>,
): Promise<Answer> {
  const rows: Row[] = []
  let total = 0
  const onRows = (piece: Row[], bytes: number) => {
    total += bytes
    if (total > bytesMax)
      throw new PipelineError('ANSWER_TOO_LARGE', `the answer has more than ${bytesMax} bytes`)
    for (const row of piece) rows.push(row)
  }
  const { columns, versions } = await answering({ onRows })
  return { columns, rows, versions }
}
