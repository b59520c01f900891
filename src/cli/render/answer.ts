import { PipelineError } from '../../core/index.ts'
import { table } from './table.ts'

/** Columns and rows as the API gives them: plain JSON values, timestamps as ISO text. */
export interface ShownAnswer {
  columns: readonly { name: string; type: string }[]
  rows: readonly Record<string, unknown>[]
}

export const formats = ['table', 'json', 'csv', 'markdown'] as const
export type Format = (typeof formats)[number]

/** @throws USAGE when `--json` is said with another format */
export function formatOf({ format, json }: { format?: Format; json?: boolean }): Format {
  if (!json) return format ?? 'table'
  if (format === undefined || format === 'json') return 'json'
  throw new PipelineError('USAGE', `--json is --format json, and cannot be said with --format ${format}`)
}

/**
 * Aligned columns, numbers to the right, without separators of thousands: nothing tells a year or an id from a count.
 * Null is the word `null`. Long texts are cut.
 *
 * @param marks a text before each row, under the heading `tie`; absent: no such column
 */
export function answerText({ columns, rows }: ShownAnswer, marks?: readonly string[]): string {
  const head = columns.map(({ name, type }) => ({ name, right: isNumeric(type) }))
  const body = rows.map((row) => columns.map(({ name }) => textOf(row[name]) ?? 'null'))
  if (!marks) return table(head, body)
  return table(
    [{ name: 'tie', right: false }, ...head],
    body.map((cells, at) => [marks[at] ?? '', ...cells]),
  )
}

/**
 * RFC 4180 with lines ended by LF: a line of names, then a line a row; a value with comma, quote or line end in quotes,
 * quotes in it doubled. Null is nothing, an empty text is `""` (and so is a null that is alone on its line, which would
 * be an empty line). Values are as they are: a text that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet.
 */
export function csv({ columns, rows }: ShownAnswer): string {
  const line = (cells: readonly (string | undefined)[]) =>
    `${cells.length === 1 && cells[0] === undefined ? '""' : cells.map(csvCell).join(',')}\n`
  const body = rows.map((row) => line(columns.map(({ name }) => textOf(row[name]))))
  return line(columns.map(({ name }) => name)) + body.join('')
}

function csvCell(text: string | undefined): string {
  if (text === undefined) return ''
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A table of GitHub's Markdown; what means something in Markdown is escaped, a line end is `<br>`, null is `null`. */
export function markdown({ columns, rows }: ShownAnswer): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  const rule = columns.map(({ type }) => (isNumeric(type) ? '---:' : '---'))
  const body = rows.map((row) => line(columns.map(({ name }) => markdownText(textOf(row[name]) ?? 'null'))))
  return line(columns.map(({ name }) => markdownText(name))) + line(rule) + body.join('')
}

export function markdownText(text: string): string {
  return text
    .replace(/[\\|*`<&[\]~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\$&`)
    .replace(/\r\n|\r|\n/g, '<br>')
}

/** A value as text, undefined for null: numbers as they are, lists and structs as JSON. */
function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** @param type in DuckDB's words */
function isNumeric(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL\(.*\)|BIGNUM|VARINT)$/.test(type)
}
