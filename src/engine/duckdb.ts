import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBMapValue,
  type DuckDBResult,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api'

export interface EngineOptions {
  /** What DuckDB may hold in memory; above it, it spills to `temporaryFolder`. */
  memoryBytes: number
  threads: number
  temporaryFolder: string
  /** What it may spill there; default: most of the volume. */
  temporaryBytesMax?: number
}

/**
 * One in-memory DuckDB of the process: Parquet in and out, cleaning, questions. Sessions are UTC and sort nulls as
 * Spark does, so that one SQL text means the same on both. Never give it text from a stranger: DuckDB is no sandbox.
 */
export class Engine {
  readonly #instance: DuckDBInstance

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance
  }

  static async open(options: EngineOptions): Promise<Engine> {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.ceil(options.memoryBytes / 2 ** 20)}MiB`,
      threads: String(options.threads),
      temp_directory: options.temporaryFolder,
      ...(options.temporaryBytesMax !== undefined && {
        max_temp_directory_size: `${Math.floor(options.temporaryBytesMax / 2 ** 20)}MiB`,
      }),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // What is freed goes back to the system soon: the allocator keeps hundreds of megabytes otherwise.
      allocator_flush_threshold: '1MiB',
      allocator_bulk_deallocation_flush_threshold: '1MiB',
    })
    const connection = await instance.connect()
    await connection.run(
      "SET GLOBAL TimeZone = 'UTC'; SET GLOBAL default_null_order = 'nulls_first_on_asc_last_on_desc'",
    )
    connection.closeSync()
    return new Engine(instance)
  }

  /** A session with its own temporary tables and settings; close it. */
  async connect(): Promise<Session> {
    return new Session(await this.#instance.connect())
  }

  /** Use a session for one action. */
  async with<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.connect()
    try {
      return await action(session)
    } finally {
      session.close()
    }
  }

  close(): void {
    this.#instance.closeSync()
  }
}

/**
 * A row as plain values: text, number, boolean, null; text for integers beyond 2^53, decimals beyond 15 digits, NaN and
 * infinities, which JSON numbers do not carry; Buffer for blobs; ISO-8601 text with Z for timestamps; arrays for lists,
 * objects for structs and maps.
 */
export type Row = Record<string, unknown>

export class Session {
  readonly connection: DuckDBConnection

  constructor(connection: DuckDBConnection) {
    this.connection = connection
  }

  async run(sql: string, parameters?: DuckDBValue[]): Promise<void> {
    await this.connection.run(sql, parameters)
  }

  /** All rows of a query. */
  async rows(sql: string, parameters?: DuckDBValue[]): Promise<Row[]> {
    return (await this.query(sql, parameters)).rows
  }

  /** Columns (with DuckDB's type names) and all rows of a query. A name that comes again is told apart: `a`, `a:1`. */
  async query(
    sql: string,
    parameters?: DuckDBValue[],
  ): Promise<{ columns: { name: string; type: string }[]; rows: Row[] }> {
    const reader = await this.connection.runAndReadAll(sql, parameters)
    const columns = columnsOf(reader)
    return { columns, rows: reader.getRows().map((values) => rowOf(columns, values)) }
  }

  /**
   * As `query`, with the values of each row in the order of the columns, made when they are asked for. Read to the end,
   * or close the session.
   *
   * @param ofBytes stands for a blob
   */
  async stream(
    sql: string,
    ofBytes: (bytes: Buffer) => unknown,
  ): Promise<{
    columns: { name: string; type: string }[]
    chunks: AsyncIterable<Iterable<unknown[]>>
  }> {
    const result = await this.connection.stream(sql)
    const rowsOf = function* (chunk: DuckDBDataChunk) {
      for (let at = 0; at < chunk.rowCount; at++)
        yield chunk.getRowValues(at).map((value) => plain(value, ofBytes))
    }
    const chunks = async function* () {
      for (;;) {
        const chunk = await result.fetchChunk()
        if (!chunk || chunk.rowCount === 0) return
        yield rowsOf(chunk)
      }
    }
    return { columns: columnsOf(result), chunks: chunks() }
  }

  /** The rows of a query piece by piece, as arrays of DuckDB's own values. */
  async *chunks(sql: string): AsyncGenerator<DuckDBValue[][]> {
    yield* chunksOf(await this.connection.stream(sql))
  }

  /** Columns of a query, which is not run, with the fields of those that are structs. */
  async fields(sql: string): Promise<Map<string, readonly string[]>> {
    const prepared = await this.connection.prepare(sql)
    try {
      return new Map(
        Array.from({ length: prepared.columnCount }, (_, at) => {
          const type = prepared.columnType(at)
          return [prepared.columnName(at), type instanceof DuckDBStructType ? type.entryNames : []]
        }),
      )
    } finally {
      prepared.destroySync()
    }
  }

  /** End what runs, soon: it throws. What begins afterwards runs. */
  interrupt(): void {
    this.connection.interrupt()
  }

  /** Append values to a table of one column. */
  async append(table: string, values: readonly (bigint | string)[]): Promise<void> {
    const appender = await this.connection.createAppender(table)
    for (const value of values) {
      if (typeof value === 'bigint') appender.appendBigInt(value)
      else appender.appendVarchar(value)
      appender.endRow()
    }
    appender.closeSync()
  }

  close(): void {
    this.connection.closeSync()
  }
}

async function* chunksOf(result: DuckDBResult): AsyncGenerator<DuckDBValue[][]> {
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    yield chunk.getRows()
  }
}

function columnsOf(result: Pick<DuckDBResult, 'columnTypes' | 'deduplicatedColumnNames'>) {
  const types = result.columnTypes()
  return result.deduplicatedColumnNames().map((name, index) => ({ name, type: String(types[index]) }))
}

function rowOf(columns: readonly { name: string }[], values: readonly DuckDBValue[]): Row {
  return Object.fromEntries(columns.map(({ name }, index) => [name, plain(values[index] ?? null)]))
}

/** Text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** As many digits as any decimal number keeps in a double. */
const exactDecimal = 10n ** 15n

/** A value of DuckDB as plain JSON-like data, as `Row` has it. */
function plain(value: DuckDBValue, ofBytes: (bytes: Buffer) => unknown = (bytes) => bytes): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return isoTime(value)
  if (value instanceof DuckDBDecimalValue) {
    const exact = -exactDecimal < value.value && value.value < exactDecimal
    return exact ? value.toDouble() : String(value)
  }
  if (value instanceof DuckDBBlobValue) return ofBytes(Buffer.from(value.bytes))
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)
    return value.items.map((item) => plain(item, ofBytes))
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(
      value.entries.map((entry) => [String(plain(entry.key)), plain(entry.value, ofBytes)]),
    )
  }
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([name, entry]) => [name, plain(entry, ofBytes)]),
    )
  }
  return String(value)
}

/** `2022-10-19T17:54:26Z`, with as many fraction digits as needed; beyond the years 1 … 9999 DuckDB's own text. */
function isoTime(value: DuckDBTimestampTZValue | DuckDBTimestampValue): string {
  const milliseconds = Number(value.micros / 1000n)
  if (!(milliseconds >= -62_135_596_800_000 && milliseconds < 253_402_300_800_000)) return String(value)
  const micros = ((value.micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((value.micros - micros) / 1000n)).toISOString().slice(0, 19)
  const fraction = micros === 0n ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/, '')}`
  return `${seconds}${fraction}Z`
}
