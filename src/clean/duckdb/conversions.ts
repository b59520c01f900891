/**
 * The strict conversions from text to the declared types, as DuckDB expressions. Their version is
 * `conversionVersion` of the pipeline: a change here changes what tables mean.
 *
 *     text       as it is
 *     integer    digits with an optional sign, within the column's limits and 32 bits
 *     double     a finite decimal number, fraction and exponent optional, within the column's limits
 *     timestamp  YYYY-MM-DD, or YYYY-MM-DD HH:MM:SS with a blank or a T between, with or without 1 to 6 fraction
 *                digits, with or without Z or ±HH:MM; or YYYY:MM:DD HH:MM:SS. UTC without an offset, midnight without
 *                a time; years 0001 to 9999
 *
 * Every form is tested before the cast, because casts differ from engine to engine in what else they let through.
 */

import { identifier, literal } from '../../engine/index.ts'
import type { RawColumn } from '../../pipeline/index.ts'

const date = '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
const time = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
const offset = '(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9]|[+-]18:00)'
const timestampForm = `${date}([ T]${time}([.][0-9]{1,6})?${offset}?)?`
const colonForm = `${date.replaceAll('-(', ':(')} ${time}`
const numberForm = '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?'

/** The typed value of a text expression; null where it does not convert. */
function converted(column: RawColumn, field: string): string {
  const when = (condition: string, value: string) => `CASE WHEN ${condition} THEN ${value} END`
  switch (column.type) {
    case 'text':
      return field
    case 'integer': {
      const value = `TRY_CAST(${field} AS BIGINT)`
      const min = Math.max(column.min ?? -(2 ** 31), -(2 ** 31))
      const max = Math.min(column.max ?? 2 ** 31 - 1, 2 ** 31 - 1)
      const inside = `${value} BETWEEN ${min} AND ${max}`
      return when(`regexp_full_match(${field}, '[+-]?[0-9]+') AND ${inside}`, `CAST(${value} AS INTEGER)`)
    }
    case 'double': {
      const value = `TRY_CAST(${field} AS DOUBLE)`
      const inside = `isfinite(${value}) AND ${value} BETWEEN ${bound(column.min, '-')} AND ${bound(column.max, '')}`
      return when(`regexp_full_match(${field}, ${literal(numberForm)}) AND ${inside}`, value)
    }
    case 'timestamp': {
      const dashed = `(substr(${field}, 1, 4) || '-' || substr(${field}, 6, 2) || '-' || substr(${field}, 9))`
      const value = `TRY_CAST(${dashed} AS TIMESTAMPTZ)`
      const form = `regexp_full_match(${field}, ${literal(`(${timestampForm})|(${colonForm})`)})`
      const inside = `${value} BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00Z' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'`
      return when(`${form} AND substr(${field}, 1, 4) <> '0000' AND ${inside}`, value)
    }
  }
}

function bound(limit: number | undefined, sign: string): string {
  return limit === undefined ? `CAST('${sign}Infinity' AS DOUBLE)` : `CAST(${limit} AS DOUBLE)`
}

/**
 * SELECT of `_record`, every declared column with its type, and `_mismatch`: the first column, in order, whose value
 * does not convert, else null.
 *
 * @param prepared a relation with `_record` and text columns `c0`, `c1`, …
 */
export function conversionSql(schema: Readonly<Record<string, RawColumn>>, prepared: string): string {
  const columns = Object.entries(schema)
  const values = columns.map(([, column], index) => `${converted(column, `c${index}`)} AS v${index}`)
  const mismatches = columns.map(
    ([name], index) => `WHEN c${index} IS NOT NULL AND v${index} IS NULL THEN ${literal(name)}`,
  )
  const named = columns.map(([name], index) => `v${index} AS ${identifier(name)}`)
  return `SELECT _record, ${named.join(', ')}, CASE ${mismatches.join(' ')} END AS _mismatch
    FROM (SELECT *, ${values.join(', ')} FROM ${prepared})`
}
