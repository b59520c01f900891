import { type Column, table } from './table.ts'

/** Rows of plain objects as a table. @param names columns in order: an object puts names that are numbers first */
export function answerTable(
  rows: readonly Record<string, unknown>[],
  names: readonly string[] = Object.keys(rows[0] ?? {}),
): string {
  return table(
    names.map(
      (name): Column => ({
        name,
        right: rows.every((row) => typeof row[name] === 'number' || row[name] === null),
      }),
    ),
    rows.map((row) => names.map((name) => cell(row[name]))),
  )
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
