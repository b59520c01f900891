import type { CleanedGroup, CleanedRow } from './duckdb/cleaner.ts'
import type { KeyIndex } from './key-index.ts'

/** What the key rule makes of a group's good rows. */
export interface KeyOutcome {
  /** Keys the table gains or changes, with the hashes of their rows. */
  keys: Map<string, string>
  /** Places of records that repeat a key with other contents, under `first`. */
  differing: number[]
  /** Records that are repeats. */
  duplicates: number
  /** Rows the table gains. */
  added: number
  /** Keys whose row in the table is replaced, under `last`. */
  replacedKeys: string[]
}

/**
 * Let one record of each key be a row, and take the others out of the group's good rows. Under `first` the first of
 * all wins, an equal copy is a duplicate, a differing one is bad; under `last` the last of all wins, and every other
 * is a duplicate. Without a key nothing is a repeat.
 */
export async function applyKeyRule(
  group: CleanedGroup,
  index: KeyIndex,
  onDuplicate: 'first' | 'last',
): Promise<KeyOutcome> {
  const outcome: KeyOutcome = { keys: new Map(), differing: [], duplicates: 0, added: 0, replacedKeys: [] }
  const excluded: number[] = []
  const lastOf = new Map<string, CleanedRow>()
  for await (const rows of group.rows()) {
    for (const row of rows) {
      if (row.key === null) outcome.added++
      else if (onDuplicate === 'last') {
        const earlier = lastOf.get(row.key)
        if (earlier) excluded.push(earlier.record)
        lastOf.set(row.key, row)
      } else keepFirst(row, row.key, index, outcome, excluded)
    }
  }
  outcome.duplicates += onDuplicate === 'last' ? excluded.length : 0
  for (const [key, row] of lastOf) keepLast(row, key, index, outcome, excluded)
  await group.exclude(excluded)
  return outcome
}

function keepFirst(
  row: CleanedRow,
  key: string,
  index: KeyIndex,
  outcome: KeyOutcome,
  excluded: number[],
): void {
  const first = outcome.keys.get(key) ?? index.get(key)
  if (first === undefined) {
    outcome.keys.set(key, row.hash)
    outcome.added++
    return
  }
  excluded.push(row.record)
  if (first === row.hash) outcome.duplicates++
  else outcome.differing.push(row.record)
}

function keepLast(
  row: CleanedRow,
  key: string,
  index: KeyIndex,
  outcome: KeyOutcome,
  excluded: number[],
): void {
  const present = index.get(key)
  if (present === undefined) outcome.added++
  else outcome.duplicates++
  if (present === row.hash) excluded.push(row.record)
  else {
    outcome.keys.set(key, row.hash)
    if (present !== undefined) outcome.replacedKeys.push(key)
  }
}
