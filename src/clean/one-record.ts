import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine, Row } from '../engine/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { TableSchema } from '../table/index.ts'
import { DuckDbCleaner } from './duckdb/cleaner.ts'
import { Preparer, preparedLine } from './prepare.ts'
import type { Bad } from './reason.ts'

/** What the present definition makes of a record by itself: a row with the text of its key, or why it is bad. */
export type CleanedRecord = { row: Row; key: string | null; bad?: never } | { bad: Bad; row?: never }

export interface RecordCleanerParts {
  engine: Engine
  dataset: Dataset
  /** All of the pipeline's. */
  datasets: readonly Dataset[]
  temporaryFolder: string
}

/**
 * Cleans single records under the present definition, so that a person can be told what becomes of one. It is the code
 * that fills the tables, without the key rule: whether a row repeats another's key is not looked at. Touches no table.
 */
export class RecordCleaner {
  readonly #cleaner: DuckDbCleaner
  readonly #preparer: Preparer
  readonly #temporaryFolder: string

  private constructor(cleaner: DuckDbCleaner, { dataset, datasets, temporaryFolder }: RecordCleanerParts) {
    this.#cleaner = cleaner
    this.#preparer = new Preparer(dataset, datasets)
    this.#temporaryFolder = temporaryFolder
  }

  /** @throws PIPELINE_INVALID when the cleaning text cannot make a table */
  static async open(parts: RecordCleanerParts): Promise<RecordCleaner> {
    return new RecordCleaner(await DuckDbCleaner.open(parts.engine, parts.dataset), parts)
  }

  /** Columns of a clean row, in order. */
  get schema(): TableSchema {
    return this.#cleaner.schema
  }

  /** SELECT of the rows with a key (its text as `clean` gives it) of a relation of clean rows. @param key an expression */
  rowsOfKeySql(relation: string, key: string): string {
    return `SELECT * FROM ${relation} WHERE ${this.#cleaner.keySql()} = ${key}`
  }

  /** The key of a clean row, as `CleanedRecord` has it, as an expression over a relation of clean rows. */
  keySql(): string {
    return this.#cleaner.keySql()
  }

  /**
   * Clean values, all in memory at once; in their order.
   *
   * @throws CLEAN_SQL_FAILED when the text fails without cause in the data
   */
  async clean(values: readonly (Buffer | null)[]): Promise<CleanedRecord[]> {
    const cleaned: CleanedRecord[] = new Array(values.length)
    const lines: string[] = []
    for (const [place, value] of values.entries()) {
      const { row, bad } = this.#preparer.prepare(value)
      if (bad) cleaned[place] = { bad }
      else lines.push(preparedLine(place, row.fields))
    }
    if (lines.length > 0) await this.#cleanLines(lines, cleaned)
    return cleaned
  }

  async #cleanLines(lines: readonly string[], cleaned: CleanedRecord[]): Promise<void> {
    const file = join(this.#temporaryFolder, `prepared-${randomUUID()}.ndjson`)
    try {
      await writeFile(file, lines.join(''), { encoding: 'latin1', flag: 'wx' })
      const longest = lines.reduce((max, { length }) => Math.max(max, length), 0)
      const group = await this.#cleaner.clean(file, longest)
      try {
        for (const [place, bad] of group.bad) cleaned[place] = { bad }
        const rows = await group.session.rows(group.goodRowsSql())
        let at = 0
        for await (const piece of group.rows())
          for (const { record, key } of piece) cleaned[record] = { row: rows[at++]!, key }
      } finally {
        group.close()
      }
    } finally {
      await rm(file, { force: true })
    }
  }
}
