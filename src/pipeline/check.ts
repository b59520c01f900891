import { PipelineError } from '../core/index.ts'
import type { PipelineDefinition, SyntheticSource } from './define.ts'

/**
 * Check what a pipeline file exports, as far as the definition alone can tell; what names become with the
 * configured id is checked in `names.ts`.
 *
 * @throws PIPELINE_INVALID with the first thing that is wrong, and where
 */
export function checkDefinition(value: unknown): asserts value is PipelineDefinition {
  const definition = object(value, 'the default export')
  members(definition, 'the pipeline', ['name', 'datasets'], ['questions', 'source'])
  matching(definition.name, /^[a-z0-9_-]{1,64}$/, 'name', '1 to 64 of a-z 0-9 - _')
  const datasets = Object.entries(object(definition.datasets, 'datasets'))
  if (datasets.length === 0) refuse('datasets is empty: a pipeline has at least one')
  for (const [name, dataset] of datasets) {
    matching(name, /^[a-z][a-z0-9_]*$/, 'a dataset name', 'a letter a-z, then a-z 0-9 _')
    checkDataset(dataset, `datasets.${name}`)
  }
  if (definition.questions !== undefined) reference(definition.questions, 'folder', 'questions')
  if (definition.source !== undefined && typeof definition.source !== 'function')
    refuse('source must be a function that gives a promise of the rows')
}

function checkDataset(value: unknown, where: string): void {
  const dataset = object(value, where)
  members(dataset, where, ['key', 'schema', 'clean', 'tables'], ['topics', 'streams', 'onDuplicate'])
  const names = [dataset.topics, dataset.streams].filter((list) => list !== undefined)
  for (const list of names) texts(list, `the topics and streams of ${where}`)
  if (names.flat().length === 0) refuse(`${where} has neither a topic nor a stream`)
  const columns = checkSchema(dataset.schema, `${where}.schema`)
  checkKey(dataset, columns, where)
  reference(dataset.clean, 'file', `${where}.clean`)
  const tables = object(dataset.tables, `${where}.tables`)
  members(tables, `${where}.tables`, ['stream', 'batch'])
  text(tables.stream, `${where}.tables.stream`)
  text(tables.batch, `${where}.tables.batch`)
}

/** @returns the columns' names */
function checkSchema(value: unknown, where: string): string[] {
  const schema = object(value, where)
  const columns = Object.keys(schema)
  if (columns.length === 0) refuse(`${where} has no column`)
  unique(
    columns.map((name) => name.toLowerCase()),
    `${where}, column names without regard to case`,
  )
  const read: string[] = []
  for (const name of columns) {
    matching(
      name,
      /^[A-Za-z][A-Za-z0-9_]*$/,
      `a column name of ${where}`,
      'a letter, then letters, digits, _',
    )
    const column = object(schema[name], `${where}.${name}`)
    checkColumn(column, `${where}.${name}`)
    read.push(...((column.from as string[] | undefined) ?? [name]))
  }
  unique(read, `${where}, members that columns are read from`)
  return columns
}

function checkColumn(column: Members, where: string): void {
  const { type, from, min, max } = column
  const limited = type === 'integer' || type === 'double'
  if (!limited && type !== 'text' && type !== 'timestamp') {
    refuse(`${where}.type is ${shown(type)}; it must be one of text, integer, double, timestamp`)
  }
  members(column, where, ['type'], limited ? ['from', 'min', 'max'] : ['from'])
  if (from !== undefined && texts(from, `${where}.from`).length === 0) refuse(`${where}.from is empty`)
  for (const limit of [min, max].filter((limit) => limit !== undefined)) {
    const fits = type === 'integer' ? Number.isInteger(limit) : Number.isFinite(limit)
    if (!fits)
      refuse(`${where}: the limit ${shown(limit)} is no ${type === 'integer' ? 'integer' : 'finite number'}`)
  }
  if (min !== undefined && max !== undefined && min! > max!) refuse(`${where}: min is above max`)
}

function checkKey(dataset: Members, columns: readonly string[], where: string): void {
  const { key, onDuplicate } = dataset
  if (key !== null) {
    const keys = typeof key === 'string' ? [key] : texts(key, `${where}.key`)
    if (keys.length === 0) refuse(`${where}.key is empty; null makes the dataset append-only`)
    unique(keys, `${where}.key`)
    const stranger = keys.find((name) => !columns.includes(name))
    if (stranger !== undefined)
      refuse(`${where}.key names ${shown(stranger)}, which is no column of its schema`)
  }
  if (onDuplicate === undefined) return
  if (onDuplicate !== 'first' && onDuplicate !== 'last') {
    refuse(`${where}.onDuplicate is ${shown(onDuplicate)}; it must be first or last`)
  }
  if (key === null) refuse(`${where}.onDuplicate means nothing without a key`)
}

/** Check what a pipeline's `source` gives. @throws PIPELINE_INVALID */
export function checkSource(value: unknown): asserts value is SyntheticSource {
  const source = object(value, 'source')
  // A source may be an instance of a class, so members beyond the four are its own affair.
  if (!Number.isSafeInteger(source.rows) || Number(source.rows) < 1)
    refuse('source.rows must be an integer above 0')
  if (!Number.isSafeInteger(source.seed)) refuse('source.seed must be an integer')
  if (typeof source.row !== 'function') refuse('source.row must be a function')
  if (typeof source.draws !== 'function') refuse('source.draws must be a function')
}

type Members = Readonly<Record<string, unknown>>

/** `sql('…')` or `sqlFolder('…')`. */
function reference(value: unknown, member: 'file' | 'folder', where: string): void {
  const place = object(value, where)
  members(place, where, [member])
  text(place[member], `${where}.${member}`)
}

function object(value: unknown, where: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  return refuse(`${where} must be an object`)
}

function members(
  value: Members,
  where: string,
  required: readonly string[],
  optional: readonly string[] = [],
): void {
  const unknown = Object.keys(value).find((name) => !required.includes(name) && !optional.includes(name))
  if (unknown !== undefined) {
    refuse(
      `${where} has an unknown member ${shown(unknown)}; known are ${[...required, ...optional].join(', ')}`,
    )
  }
  const missing = required.find((name) => value[name] === undefined)
  if (missing !== undefined) refuse(`${where}.${missing} is missing`)
}

function text(value: unknown, where: string): string {
  return typeof value === 'string' && value !== ''
    ? value
    : refuse(`${where} must be a text that is not empty`)
}

function texts(value: unknown, where: string): string[] {
  return Array.isArray(value)
    ? value.map((item) => text(item, `each of ${where}`))
    : refuse(`${where} must be a list`)
}

function matching(value: unknown, pattern: RegExp, where: string, rule: string): void {
  if (typeof value !== 'string' || !pattern.test(value))
    refuse(`${where} is ${shown(value)}; it must be ${rule}`)
}

function unique(names: readonly string[], where: string): void {
  const repeated = names.find((name, i) => names.indexOf(name) !== i)
  if (repeated !== undefined) refuse(`${where}: ${shown(repeated)} occurs twice`)
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}

/** @throws PIPELINE_INVALID */
export function refuse(message: string): never {
  throw new PipelineError('PIPELINE_INVALID', message)
}
