/**
 * What a pipeline folder says of itself: `pipeline.ts` (or `.js`) exports `definePipeline({...})` by default, beside
 * the SQL files it names. The engine knows nothing else of a pipeline.
 */

/** A column of a dataset's raw records, as `raw_<dataset>` gives it to the cleaning text. */
export type RawColumn = {
  /** Names of the member it is read from, in order of preference; default: the column's own name. */
  from?: readonly string[]
} & (
  | { type: 'text' }
  | { type: 'integer'; min?: number; max?: number }
  | { type: 'double'; min?: number; max?: number }
  | { type: 'timestamp' }
)

/** Raw columns by name, in the order of the declared type. */
export type RawSchema = Readonly<Record<string, RawColumn>>

/** A text column: takes a JSON string, or a number as its source text. */
export const text = (options: { from?: readonly string[] } = {}): RawColumn => ({ type: 'text', ...options })
/** A 32-bit integer: digits with an optional sign, as number or text. Limits are inclusive. */
export const integer = (
  options: { from?: readonly string[]; min?: number; max?: number } = {},
): RawColumn => ({
  type: 'integer',
  ...options,
})
/** A finite number, as number or text. Limits are inclusive. */
export const double = (
  options: { from?: readonly string[]; min?: number; max?: number } = {},
): RawColumn => ({
  type: 'double',
  ...options,
})
/** A date and time, UTC unless it carries an offset; see `clean/` for the forms. */
export const timestamp = (options: { from?: readonly string[] } = {}): RawColumn => ({
  type: 'timestamp',
  ...options,
})

/** A file of the pipeline's folder that holds one SQL text. */
export interface SqlFile {
  readonly file: string
}
export const sql = (file: string): SqlFile => ({ file })

/** A folder of questions: file name without `.sql` = the question's name; its first comment = the title. */
export interface SqlFolder {
  readonly folder: string
}
export const sqlFolder = (folder: string): SqlFolder => ({ folder })

export interface DatasetDefinition {
  /** Topics that hold it, made with one partition; `{id}` stands for the configured id. Filled through Kafka doors. */
  topics?: readonly string[]
  /** Streams that hold it, made with one shard. Filled through Kinesis doors. */
  streams?: readonly string[]
  /** Column or columns of the raw and of the clean table that identify a row; null: append-only, nothing is a repeat. */
  key: string | readonly string[] | null
  /** Which of two records with one key stays. Default `first`. */
  onDuplicate?: 'first' | 'last'
  schema: RawSchema
  /** One row-by-row SELECT over `raw_<dataset>`; see `pipeline/cleaning-text.ts` for what it may hold. */
  clean: SqlFile
  /** Names the tables are also known by in questions and SQL. */
  tables: { stream: string; batch: string }
}

/** Made-up rows for `emulate` and `demo`; deterministic. */
export interface SyntheticSource {
  /** Rows are 0 … rows − 1. */
  rows: number
  /** One record of each dataset: JSON text, as it is to be posted. */
  row(index: number): Readonly<Record<string, string>>
  /** An endless sequence of row numbers, the same for the same seed. */
  draws(seed: number): IterableIterator<number>
  /** Default seed of `draws`. */
  seed: number
}

export interface PipelineDefinition {
  /** 1 to 64 of a-z 0-9 - _, for ever: names the epoch log. */
  name: string
  datasets: Readonly<Record<string, DatasetDefinition>>
  questions?: SqlFolder
  /** Loaded when it is asked for, so that what makes rows up takes nothing of a platform that runs. */
  source?: () => Promise<SyntheticSource>
}

/** Checks nothing: gives the definition its type. `loadPipeline` checks it. */
export const definePipeline = (definition: PipelineDefinition): PipelineDefinition => definition
