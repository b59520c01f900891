import { messageOf, PipelineError } from '../core/index.ts'
import { identifier } from '../engine/index.ts'

/** A type of Delta's schema JSON; text is a primitive (`string`, `long`, `decimal(18,4)`, …). */
export type DeltaType = string | DeltaArray | DeltaMap | DeltaStruct
export interface DeltaArray {
  type: 'array'
  elementType: DeltaType
  containsNull: boolean
}
export interface DeltaMap {
  type: 'map'
  keyType: DeltaType
  valueType: DeltaType
  valueContainsNull: boolean
}
export interface DeltaStruct {
  type: 'struct'
  fields: DeltaField[]
}
export interface DeltaField {
  name: string
  type: DeltaType
  nullable: boolean
  metadata: Record<string, unknown>
}

/** Columns in order; every column may be null. */
export type TableSchema = readonly { readonly name: string; readonly type: DeltaType }[]

const duckDbTypes: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  byte: 'TINYINT',
  short: 'SMALLINT',
  integer: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  binary: 'BLOB',
}

/** What a table is written with: a naive TIMESTAMP is taken as UTC, since `timestamp_ntz` needs a newer protocol. */
const deltaTypes: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(duckDbTypes).map(([delta, duckDb]) => [duckDb, delta])),
  TIMESTAMP: 'timestamp',
}

/** Spark refuses these in column names, and Parquet gives some a meaning. */
const nameForbidden = /[ ,;{}()\n\t=]/

/**
 * The table schema for a query's columns, as DuckDB names their types.
 *
 * @throws PIPELINE_INVALID for a type or name no table can hold, naming the column
 */
export function schemaFromDuckDb(columns: readonly { name: string; type: string }[]): TableSchema {
  const seen = new Set<string>()
  return columns.map(({ name, type }) => {
    if (name === '' || nameForbidden.test(name)) {
      throw new PipelineError(
        'PIPELINE_INVALID',
        `column ${JSON.stringify(name)}: a table column's name cannot be empty or hold any of " ,;{}()=", tab or newline`,
      )
    }
    if (seen.has(name.toLowerCase())) {
      throw new PipelineError(
        'PIPELINE_INVALID',
        `column "${name}" appears twice (names are compared ignoring case)`,
      )
    }
    seen.add(name.toLowerCase())
    return { name, type: deltaType(name, type) }
  })
}

function deltaType(column: string, type: string): DeltaType {
  if (type.endsWith('[]')) {
    return { type: 'array', elementType: deltaType(column, type.slice(0, -2)), containsNull: true }
  }
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal) return `decimal(${decimal[1]},${decimal[2]})`
  const found = deltaTypes[type]
  if (found === undefined) {
    throw new PipelineError(
      'PIPELINE_INVALID',
      `column "${column}" has type ${type}, which a table cannot hold: cast it (HUGEINT, the type of every sum, to BIGINT)`,
    )
  }
  return found
}

/**
 * The DuckDB type that holds a Delta type.
 *
 * @throws TABLE_UNSUPPORTED for a type DuckDB has no equal of
 */
export function duckDbType(type: DeltaType): string {
  if (typeof type === 'string') {
    const decimal = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type)
    if (decimal) return `DECIMAL(${decimal[1]},${decimal[2]})`
    const found = Object.hasOwn(duckDbTypes, type) ? duckDbTypes[type] : undefined
    if (found !== undefined) return found
  } else if (type.type === 'array') {
    return `${duckDbType(type.elementType)}[]`
  } else if (type.type === 'map') {
    return `MAP(${duckDbType(type.keyType)}, ${duckDbType(type.valueType)})`
  } else if (type.type === 'struct') {
    return `STRUCT(${type.fields.map((field) => `${identifier(field.name)} ${duckDbType(field.type)}`).join(', ')})`
  }
  throw new PipelineError('TABLE_UNSUPPORTED', `column type ${JSON.stringify(type)}`)
}

/** The `schemaString` of a table's metaData. */
export function schemaString(schema: TableSchema): string {
  const fields = schema.map(({ name, type }) => ({ name, type, nullable: true, metadata: {} }))
  return JSON.stringify({ type: 'struct', fields })
}

/**
 * The fields of a `schemaString`.
 *
 * @throws TABLE_DAMAGED when it is none
 */
export function parseSchemaString(text: string, where: string): DeltaField[] {
  try {
    const struct = JSON.parse(text) as DeltaStruct
    if (struct.type !== 'struct') throw new TypeError('not a struct')
    return struct.fields.map(({ name, type, nullable, metadata }) => {
      if (typeof name !== 'string' || type === undefined) throw new TypeError('a field has no name or type')
      return { name, type, nullable: nullable ?? true, metadata: metadata ?? {} }
    })
  } catch (error) {
    throw new PipelineError('TABLE_DAMAGED', `${where}: schema: ${messageOf(error)}`, { cause: error })
  }
}
