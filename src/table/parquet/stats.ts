import { identifier, type Row } from '../../engine/index.ts'
import type { DeltaType, TableSchema } from '../schema.ts'

/** Characters of a text that a bound keeps. */
const textMax = 32

/**
 * The `stats` of an `add`: JSON text with numRecords and, for leaf columns, minValues, maxValues and nullCount.
 *
 * A bound is left out rather than wrong: none for booleans, binary and lists; none for a float column that holds NaN
 * (readers sort it above everything), none outside the years 1 to 9999. A text is cut to 32 characters, its maximum
 * upwards; a timestamp is cut to milliseconds, its maximum upwards.
 *
 * @param written by column, as COPY … RETURN_STATS gives it: texts `min`, `max`, `null_count`
 * @param withNaN columns that hold NaN
 */
export function statsJson(
  numRecords: number,
  schema: TableSchema,
  written: Record<string, Row>,
  withNaN: ReadonlySet<string>,
): string {
  const minValues: string[] = []
  const maxValues: string[] = []
  const nullCount: string[] = []
  for (const { name, type } of schema) {
    const column = written[identifier(name)]
    if (!column || typeof type !== 'string') continue
    const member = (json: string | undefined) =>
      json === undefined ? [] : [`${JSON.stringify(name)}:${json}`]
    nullCount.push(...member(String(Number(column.null_count))))
    if (withNaN.has(name)) continue
    if (typeof column.min === 'string') minValues.push(...member(lowerBound(type, column.min)))
    if (typeof column.max === 'string') maxValues.push(...member(upperBound(type, column.max)))
  }
  const object = (members: string[]) => `{${members.join(',')}}`
  return `{"numRecords":${numRecords},"minValues":${object(minValues)},"maxValues":${object(maxValues)},"nullCount":${object(nullCount)}}`
}

/** Whether a column can hold NaN. */
export function isFloat(type: DeltaType): boolean {
  return type === 'float' || type === 'double'
}

function lowerBound(type: string, text: string): string | undefined {
  if (type === 'string') return JSON.stringify([...text].slice(0, textMax).join(''))
  if (type === 'timestamp' || type === 'timestamp_ntz') return timestamp(text, Math.floor)
  return exactBound(type, text)
}

function upperBound(type: string, text: string): string | undefined {
  if (type === 'string') return textUpwards(text)
  if (type === 'timestamp' || type === 'timestamp_ntz') return timestamp(text, Math.ceil)
  return exactBound(type, text)
}

function exactBound(type: string, text: string): string | undefined {
  if (type === 'date') return /^\d{4}-\d\d-\d\d$/.test(text) ? `"${text}"` : undefined
  if (isFloat(type)) return Number.isFinite(Number(text)) ? JSON.stringify(Number(text)) : undefined
  // Kept as text: a long or decimal may have more digits than a number.
  const isNumber = ['byte', 'short', 'integer', 'long'].includes(type) || type.startsWith('decimal')
  return isNumber && /^-?\d+(\.\d+)?$/.test(text) ? text : undefined
}

/** The least text of at most 32 characters that is not below `text` in code point order; undefined if there is none. */
function textUpwards(text: string): string | undefined {
  const characters = [...text]
  if (characters.length <= textMax) return JSON.stringify(text)
  const kept = characters.slice(0, textMax)
  for (let last = kept.pop(); last !== undefined; last = kept.pop()) {
    const next = last.codePointAt(0)! + 1
    // Surrogates are no characters.
    if (next <= 0x10ffff)
      return JSON.stringify(kept.join('') + String.fromCodePoint(next === 0xd800 ? 0xe000 : next))
  }
  return undefined
}

/** DuckDB's `2020-01-01 00:00:00[.ffffff][+00]` as ISO-8601 in whole milliseconds. */
function timestamp(text: string, round: (milliseconds: number) => number): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text)
  if (!match) return undefined
  const micros = Number((match[3] ?? '').padEnd(6, '0'))
  const iso = new Date(Date.parse(`${match[1]}T${match[2]}Z`) + round(micros / 1000)).toISOString()
  return iso.startsWith('+') ? undefined : `"${iso}"`
}
