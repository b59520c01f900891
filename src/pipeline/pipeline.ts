import type { RawSchema, SyntheticSource } from './define.ts'

/** A pipeline as the engine works with it: checked, names resolved, texts read. */
export interface Pipeline {
  readonly name: string
  readonly folder: string
  readonly datasets: readonly Dataset[]
  readonly questions: readonly Question[]
  /** @throws PIPELINE_INVALID */
  readonly source?: () => Promise<SyntheticSource>
}

export interface Dataset {
  readonly name: string
  /** Topics and streams by their full names, each with its kind. */
  readonly topics: readonly { name: string; partitioner: 'kafka' | 'kinesis' }[]
  /** Key columns; empty: append-only. */
  readonly key: readonly string[]
  readonly onDuplicate: 'first' | 'last'
  readonly schema: RawSchema
  /** The cleaning text, and the file in the pipeline's folder that holds it. */
  readonly sql: string
  readonly sqlFile: string
  /** Names of the original for the two tables. */
  readonly tables: { readonly stream: string; readonly batch: string }
  /** Hash over all that decides what becomes of a record: tables made by another are not added to. */
  readonly definition: string
}

export interface Question {
  readonly name: string
  readonly title: string
  readonly sql: string
  /**
   * Columns of the answer, as a comment `-- ties: country, category_count` names them: rows that are equal in all of them
   * share a place.
   */
  readonly ties?: readonly string[]
}
