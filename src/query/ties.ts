import type { Row } from '../engine/index.ts'

/** Which rows of an answer share a place with others. */
export interface Ties {
  /** Rows that are equal in all of these columns share a place. */
  columns: readonly string[]
  /** Places that several rows share: each as the numbers of its rows, from 0, in the order of the answer. */
  places: number[][]
}

/**
 * Find rows that share a place. What is unknown is equal to nothing.
 *
 * @param columns of the answer
 */
export function tiesOf(rows: readonly Row[], columns: readonly string[]): Ties {
  const places = new Map<string, number[]>()
  for (const [at, row] of rows.entries()) {
    const values = columns.map((column) => row[column])
    if (values.some((value) => value === null || value === undefined)) continue
    const place = JSON.stringify(values)
    places.set(place, [...(places.get(place) ?? []), at])
  }
  return { columns, places: [...places.values()].filter((numbers) => numbers.length > 1) }
}
