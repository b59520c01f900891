import type { ObjectStore } from '../../core/index.ts'
import { identifier, literal } from '../../engine/index.ts'
import type { AddFile } from '../actions.ts'
import type { Snapshot } from '../replay.ts'
import { type DeltaType, duckDbType } from '../schema.ts'
import { knownPath } from './known-files.ts'

/** Holds the path of a row's file: while partition values are looked up, and where it is asked for. */
export const fileColumn = '__pinflow_file'

/**
 * A table's rows as an SQL relation, in brackets, to stand after FROM. Columns have the order and types of the
 * schema; in the files they are found ignoring case, and null where a file has none. Sessions must be UTC.
 *
 * @param snapshot what to read; the files may be a selection
 * @param withFile give each row the path of its file as well, as `fileColumn`
 * @throws TABLE_DAMAGED when a file is missing, or is not the one that was written
 */
export async function scanSql(
  store: ObjectStore,
  prefix: string,
  snapshot: Pick<Snapshot, 'schema' | 'files' | 'metaData'>,
  withFile = false,
): Promise<string> {
  const { schema, files, metaData } = snapshot
  const typed = schema.map(({ name, type }) => ({ column: identifier(name), type: duckDbType(type) }))
  if (withFile) typed.push({ column: identifier(fileColumn), type: 'VARCHAR' })
  const select = typed.map(({ column, type }) => `CAST(${column} AS ${type}) AS ${column}`).join(', ')
  // Gives every column a type and a place, whatever the files hold.
  const empty = `SELECT ${typed.map(({ column, type }) => `CAST(NULL AS ${type}) AS ${column}`).join(', ')} WHERE false`
  if (files.size === 0) return `(${empty})`
  const paths = new Map<string, AddFile>()
  for (const [path, file] of files) paths.set(await knownPath(store, `${prefix}/${path}`, file), file)
  const stored = readFiles(
    [...paths.keys()],
    schema.some(({ type }) => holdsBinary(type)),
    withFile || metaData.partitionColumns.length > 0,
  )
  const rows =
    metaData.partitionColumns.length > 0
      ? withPartitionValues(stored, paths, metaData.partitionColumns)
      : `SELECT * FROM ${stored}`
  return `(SELECT ${select} FROM (${empty} UNION ALL BY NAME ${rows}))`
}

function readFiles(paths: readonly string[], binary: boolean, withName: boolean): string {
  // Some writers leave the mark of text out of the file; then binary columns would be taken for text as well.
  const options = [
    'union_by_name = true',
    'hive_partitioning = false',
    `binary_as_string = ${!binary}`,
    ...(withName ? [`filename = ${literal(fileColumn)}`] : []),
  ]
  return `read_parquet([${paths.map(literal).join(', ')}], ${options.join(', ')})`
}

/** Partition values stand in the log, never in the file or its path; null and empty text are null. */
function withPartitionValues(
  stored: string,
  files: ReadonlyMap<string, AddFile>,
  columns: readonly string[],
): string {
  const names = columns.map(identifier)
  const values = [...files].map(([path, { partitionValues }]) => {
    const texts = columns.map((name) =>
      partitionValues[name] ? literal(partitionValues[name]) : 'CAST(NULL AS VARCHAR)',
    )
    return `(${[literal(path), ...texts].join(', ')})`
  })
  const partitions = `(VALUES ${values.join(', ')}) AS "partitions"(${[identifier(fileColumn), ...names].join(', ')})`
  const others = `COLUMNS(c -> NOT list_contains([${columns.map((name) => literal(name.toLowerCase())).join(', ')}], lower(c)))`
  return `SELECT * FROM (SELECT ${others} FROM ${stored}) JOIN ${partitions} USING (${identifier(fileColumn)})`
}

function holdsBinary(type: DeltaType): boolean {
  if (typeof type === 'string') return type === 'binary'
  if (type.type === 'array') return holdsBinary(type.elementType)
  if (type.type === 'map') return holdsBinary(type.keyType) || holdsBinary(type.valueType)
  return type.fields.some((field) => holdsBinary(field.type))
}
