import type { Session } from '../engine/index.ts'

/** What has become of the records of a dataset: `appended = landed + waiting + skipped + lost`. */
export interface DatasetAccount {
  appended: number
  landed: number
  /** Appended, and not in the lake yet. */
  waiting: number
  skipped: number
  lost: number
  stream?: PathAccount
  batch?: PathAccount
}

/** `read = rows + duplicates + quarantined` */
export interface PathAccount {
  read: number
  rows: number
  duplicates: number
  quarantined: number
}

/** Columns of a quarantine that only the log can tell, so that they differ by where a record was read. */
const logColumns = ['key', 'headers', 'timestamp', 'append_time']

/** Differences between two relations, as multisets of rows; empty when they are equal. */
export async function sameRows(
  session: Session,
  sides: readonly string[],
  kind: 'data' | 'quarantine',
): Promise<string[]> {
  const columns =
    kind === 'data' ? '*' : `* EXCLUDE (${logColumns.map((column) => `"${column}"`).join(', ')})`
  const [left, right] = sides.map(
    (side, at) => `SELECT ${columns}, ${at === 0 ? 1 : -1} AS _side FROM ${side}`,
  )
  // EXCEPT ALL says the same, fifty times slower.
  const [counts] = await session.rows(
    `SELECT coalesce(sum(_more) FILTER (_more > 0), 0) AS "left", coalesce(-sum(_more) FILTER (_more < 0), 0) AS "right"
       FROM (SELECT * EXCLUDE (_side), sum(_side) AS _more
         FROM (${left} UNION ALL ${right}) GROUP BY ALL)`,
  )
  if (counts?.left === 0 && counts.right === 0) return []
  return [`${kind}: ${counts?.left} rows only in stream, ${counts?.right} only in batch`]
}
