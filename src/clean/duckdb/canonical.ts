import { identifier } from '../../engine/index.ts'
import type { TableSchema } from '../../table/index.ts'

/**
 * One text for the values of these columns, equal exactly when they are: for each column `N` for null, else its
 * text's length in characters, a colon, the text. Timestamps are microseconds since 1970.
 */
export function canonicalSql(columns: TableSchema): string {
  const parts = columns.map(({ name, type }) => {
    const column = identifier(name)
    const text = type === 'timestamp' ? `CAST(epoch_us(${column}) AS VARCHAR)` : `CAST(${column} AS VARCHAR)`
    return `CASE WHEN ${column} IS NULL THEN 'N' ELSE length(${text}) || ':' || ${text} END`
  })
  return parts.join(' || ')
}
