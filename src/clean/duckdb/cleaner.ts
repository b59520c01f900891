import { messageOf, PipelineError } from '../../core/index.ts'
import { type Engine, identifier, type Session } from '../../engine/index.ts'
import { checkCleaningText, type Dataset } from '../../pipeline/index.ts'
import { duckDbType, schemaFromDuckDb, type TableSchema } from '../../table/index.ts'
import type { Bad } from '../reason.ts'
import { canonicalSql } from './canonical.ts'
import { conversionSql } from './conversions.ts'
import { readLines } from './read-lines.ts'

/** A cleaned record, keys apart. */
export interface CleanedRow {
  /** The record's place in its group. */
  record: number
  /** Canonical text of the key; null without a key. */
  key: string | null
  /** SHA-256 over the canonical text of the clean row, hexadecimal. */
  hash: string
}

/** Columns a cleaning text passes on or returns beside the table's own. */
const recordColumn = '_record'
const reasonColumn = 'bad_reason'

/** The disk or the memory failed, no record is to blame: the group is tried again, nothing is quarantined. */
const resourceFailure = /^(Error: )?(Out of Memory|IO|INTERRUPT|Connection|Resource)/
/** The engine itself failed: nothing is quarantined, and only a new process has a sound engine. */
const engineFailure = /^(Error: )?(INTERNAL|FATAL)/i

/** Runs a dataset's cleaning text on DuckDB. */
export class DuckDbCleaner {
  readonly #engine: Engine
  readonly #dataset: Dataset
  /** Columns of the clean table, in order. */
  readonly schema: TableSchema
  readonly #returnsReason: boolean

  private constructor(engine: Engine, dataset: Dataset, schema: TableSchema, returnsReason: boolean) {
    this.#engine = engine
    this.#dataset = dataset
    this.schema = schema
    this.#returnsReason = returnsReason
  }

  /** Check the text, and bind it against the declared columns. @throws PIPELINE_INVALID when it cannot make a table of them */
  static open(engine: Engine, dataset: Dataset): Promise<DuckDbCleaner> {
    return engine.with(async (session) => {
      await checkCleaningText(session, dataset)
      await prepareSession(session)
      const invalid = (why: string, cause?: unknown) =>
        new PipelineError('PIPELINE_INVALID', `the cleaning text of ${dataset.name}: ${why}`, { cause })
      const fields = Object.keys(dataset.schema).map((_, column) => `CAST(NULL AS VARCHAR) AS c${column}`)
      const empty = `(SELECT CAST(0 AS BIGINT) AS ${recordColumn}, ${fields.join(', ')} WHERE false)`
      await session.run(`CREATE TEMP TABLE converted AS ${conversionSql(dataset.schema, empty)}`)
      await makeRawView(session, dataset, 'true')
      const described = await session.query(`SELECT * FROM (\n${dataset.sql}\n)`).catch((error: unknown) => {
        throw invalid(messageOf(error), error)
      })
      const columns = described.columns.filter(({ name }) => name !== recordColumn && name !== reasonColumn)
      const schema = schemaOf(columns, invalid)
      const absent = dataset.key.find((key) => !schema.some(({ name }) => name === key))
      if (absent !== undefined) throw invalid(`it does not return the key column ${absent}`)
      const returnsReason = described.columns.some(({ name }) => name === reasonColumn)
      return new DuckDbCleaner(engine, dataset, schema, returnsReason)
    })
  }

  /**
   * Clean a group. The group's session, with its tables, stays open until it is closed.
   *
   * @param file of prepared lines (`preparedLine`); no longer needed when this resolves
   * @throws CLEAN_SQL_FAILED when the text loses or repeats a record, or fails without cause in the data
   */
  async clean(file: string, lineBytesMax: number): Promise<CleanedGroup> {
    const session = await this.#engine.connect()
    try {
      await prepareSession(session)
      const group = new CleanedGroup(session, this.#dataset, this.schema, this.#returnsReason)
      await group.load(file, lineBytesMax)
      await group.run()
      return group
    } catch (error) {
      session.close()
      throw error
    }
  }

  /** The canonical text of a clean row's key, as an expression. */
  keySql(): string {
    return keySql(this.#dataset, this.schema)
  }

  /** SELECT of `key` and `hash`, as `CleanedRow` has them, over a relation of clean rows. */
  keysSql(relation: string): string {
    return `SELECT ${this.keySql()} AS key, sha256(${canonicalSql(this.schema)}) AS hash FROM ${relation}`
  }
}

export class CleanedGroup {
  readonly session: Session
  readonly #dataset: Dataset
  readonly #schema: TableSchema
  readonly #returnsReason: boolean
  /** Bad records by their place. */
  readonly bad = new Map<number, Bad>()

  constructor(session: Session, dataset: Dataset, schema: TableSchema, returnsReason: boolean) {
    this.session = session
    this.#dataset = dataset
    this.#schema = schema
    this.#returnsReason = returnsReason
  }

  /** Convert prepared lines to the declared types. */
  async load(file: string, lineBytesMax: number): Promise<void> {
    const fields = Object.keys(this.#dataset.schema).map((_, column) => `c${column}: 'VARCHAR'`)
    const columns = `{${recordColumn}: 'BIGINT', ${fields.join(', ')}}`
    const prepared = readLines(file, columns, lineBytesMax)
    await this.session.run(`CREATE TEMP TABLE converted AS ${conversionSql(this.#dataset.schema, prepared)}`)
    for (const row of await this.session.rows(
      `SELECT ${recordColumn}, _mismatch FROM converted WHERE _mismatch IS NOT NULL`,
    )) {
      this.bad.set(Number(row[recordColumn]), { reason: `TYPE_MISMATCH ${row._mismatch}` })
    }
  }

  /** Run the cleaning text, and refuse a result that is no row for each record. */
  async run(): Promise<void> {
    const columns = this.#schema.map(({ name, type }) => `${identifier(name)} ${duckDbType(type)}`)
    await this.session.run(
      `CREATE TEMP TABLE cleaned (${recordColumn} BIGINT, ${reasonColumn} VARCHAR, ${columns.join(', ')})`,
    )
    const failed = await this.#insert('false')
    if (failed)
      throw new PipelineError(
        'CLEAN_SQL_FAILED',
        `the cleaning text of ${this.#dataset.name} fails without data: ${failed}`,
      )
    const [range] = await this.session.rows(
      `SELECT min(${recordColumn}) AS low, max(${recordColumn}) AS high FROM converted`,
    )
    if (range && range.low !== null) await this.#bisect(Number(range.low), Number(range.high))
    await this.#checkRecords()
    const nullKey = this.#dataset.key.map((key) => `${identifier(key)} IS NULL`).join(' OR ') || 'false'
    const rejected = `SELECT ${recordColumn}, ${reasonColumn} FROM cleaned WHERE ${reasonColumn} IS NOT NULL OR ${nullKey}`
    for (const row of await this.session.rows(rejected)) {
      const reason = row[reasonColumn] === null ? 'KEY_MISSING' : `VALUE_INVALID ${row[reasonColumn]}`
      this.bad.set(Number(row[recordColumn]), { reason })
    }
    await this.session.run('CREATE TEMP TABLE excluded (_record BIGINT)')
    await this.exclude([...this.bad.keys()])
  }

  /** The good rows in order, with key and hash, piece by piece. */
  async *rows(): AsyncGenerator<CleanedRow[]> {
    const key = keySql(this.#dataset, this.#schema)
    const rows = `SELECT ${recordColumn}, ${key} AS key, sha256(${canonicalSql(this.#schema)}) AS hash FROM cleaned
      WHERE ${recordColumn} NOT IN (SELECT _record FROM excluded) ORDER BY ${recordColumn}`
    for await (const chunk of this.session.chunks(rows)) {
      yield chunk.map(([record, keyText, hash]) => {
        return { record: Number(record), key: keyText as string | null, hash: hash as string }
      })
    }
  }

  /** Leave records out of `goodRowsSql`. */
  async exclude(records: readonly number[]): Promise<void> {
    await this.session.append('excluded', records.map(BigInt))
  }

  /** SELECT of the clean table's columns, in the order of the records, for what is not excluded. */
  goodRowsSql(): string {
    const columns = this.#schema.map(({ name }) => identifier(name))
    return `SELECT ${columns.join(', ')} FROM cleaned WHERE ${recordColumn} NOT IN (SELECT _record FROM excluded) ORDER BY ${recordColumn}`
  }

  close(): void {
    this.session.close()
  }

  /** Clean the records of a stretch; where SQL cannot take them, halve it until the record is found. */
  async #bisect(low: number, high: number): Promise<void> {
    const failed = await this.#insert(`${recordColumn} BETWEEN ${low} AND ${high}`)
    if (failed === undefined) return
    if (low === high) {
      this.bad.set(low, { reason: 'SQL_FAILED', detail: failed })
      return
    }
    const middle = Math.floor((low + high) / 2)
    await this.#bisect(low, middle)
    await this.#bisect(middle + 1, high)
  }

  /** @returns the message when the text cannot take the rows of this condition */
  async #insert(condition: string): Promise<string | undefined> {
    await makeRawView(this.session, this.#dataset, condition)
    const columns = this.#schema.map(({ name, type }) => `CAST(${identifier(name)} AS ${duckDbType(type)})`)
    const reason = this.#returnsReason ? `CAST(${reasonColumn} AS VARCHAR)` : 'NULL'
    try {
      await this.session.run(
        `INSERT INTO cleaned SELECT ${recordColumn}, ${reason}, ${columns.join(', ')} FROM (\n${this.#dataset.sql}\n)`,
      )
      return undefined
    } catch (error) {
      const message = messageOf(error)
      if (resourceFailure.test(message)) throw error
      if (engineFailure.test(message)) {
        throw new PipelineError('CLEAN_SQL_FAILED', `cleaning ${this.#dataset.name}: ${message}`, {
          cause: error,
        })
      }
      return message
    }
  }

  async #checkRecords(): Promise<void> {
    const failed = [...this.bad.values()].filter(({ reason }) => reason === 'SQL_FAILED').length
    const [counts] = await this.session.rows(
      `SELECT (SELECT count(*) FROM converted WHERE _mismatch IS NULL) AS expected, (SELECT count(*) FROM cleaned) AS returned,
         (SELECT count(*) FROM converted SEMI JOIN cleaned USING (${recordColumn}) WHERE _mismatch IS NULL) AS known`,
    )
    const expected = Number(counts?.expected) - failed
    if (counts?.returned === expected && counts.known === expected) return
    const found = `${counts?.returned} rows for ${counts?.known} of ${expected} records`
    throw new PipelineError(
      'CLEAN_SQL_FAILED',
      `the cleaning text of ${this.#dataset.name} is not row by row: it returned ${found}`,
    )
  }
}

function schemaOf(
  columns: readonly { name: string; type: string }[],
  invalid: (why: string, cause: unknown) => PipelineError,
): TableSchema {
  try {
    return schemaFromDuckDb(columns)
  } catch (error) {
    throw invalid(messageOf(error), error)
  }
}

/** What makes DuckDB read the portable subset as Spark does. */
async function prepareSession(session: Session): Promise<void> {
  await session.run('CREATE TEMP MACRO make_array(a, b) AS [a, b]')
  await session.run('CREATE TEMP TYPE timestamp_ltz AS TIMESTAMPTZ')
}

async function makeRawView(session: Session, dataset: Dataset, condition: string): Promise<void> {
  await session.run(
    `CREATE OR REPLACE TEMP VIEW ${identifier(`raw_${dataset.name}`)} AS
       SELECT * EXCLUDE (_mismatch) FROM converted WHERE _mismatch IS NULL AND ${condition}`,
  )
}

function keySql(dataset: Dataset, schema: TableSchema): string {
  if (dataset.key.length === 0) return 'CAST(NULL AS VARCHAR)'
  return canonicalSql(dataset.key.flatMap((key) => schema.filter(({ name }) => name === key)))
}
