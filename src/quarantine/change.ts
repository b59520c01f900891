import type { CleaningPath } from '../clean/index.ts'
import type { Row } from '../engine/index.ts'

/** A bad record in its place, as an example. */
export interface BadExample {
  topic: string
  partition: number
  offset: number
  /** Why it was bad; null where it was not. */
  was: string | null
  /** Why it is bad now; null where it is not. */
  becomes: string | null
  beginning: Buffer | null
}

/** A row as it was and as it is, as an example; one of them is null where there is none. */
export interface RowExample {
  before: Row | null
  after: Row | null
}

/** How many bad records of one reason turn into what. */
export interface ReasonChange {
  /** Null: it was no bad record. */
  was: string | null
  /** Null: it is none any more. */
  becomes: string | null
  records: number
}

/** What a replay changes about one pair of tables. Records that were not in them yet are told apart, as `waiting`. */
export interface PairChange {
  path: CleaningPath
  /** Whether the tables are of another definition than the present one. */
  definitionChanged: boolean
  /** Whether the tables are neither being rebuilt nor paused by a restore. */
  whole: boolean
  /** Records bad before: those that leave, those that stay, those that are bad for another reason. */
  leave: ReasonChange[]
  stay: number
  otherReason: ReasonChange[]
  /** Records that were rows or duplicates, and are bad. */
  newlyBad: ReasonChange[]
  rows: {
    before: number
    after: number
    /** With the same key and other contents; 0 where rows have no key to know them by. */
    changed: number
    /** Rows whose key, or without a key whose contents, are no more. */
    gone: number
    /** Rows whose key, or contents, are new: from records that leave quarantine, that waited, or that were repeats. */
    added: number
  }
  /** Records that have landed and are in these tables for the first time. */
  waiting: number
  examples: { leave: BadExample[]; newlyBad: BadExample[]; changed: RowExample[]; gone: RowExample[] }
}

/** Whether a replay has an effect. What only waits for its turn comes without one. */
export function isNothing({
  definitionChanged,
  whole,
  leave,
  otherReason,
  newlyBad,
  rows,
}: PairChange): boolean {
  const bad = leave.length + otherReason.length + newlyBad.length
  return whole && !definitionChanged && bad === 0 && rows.changed === 0 && rows.gone === 0
}

/** Whether what came of a replay is what its preview said, as far as records that came in meanwhile leave it. */
export function isAsPreviewed(preview: PairChange, done: PairChange, onDuplicate: 'first' | 'last'): boolean {
  const told = ({ leave, stay, otherReason, newlyBad, rows }: PairChange) => {
    // Under `last`, what came in meanwhile may have taken the place of a row.
    const firstWins = onDuplicate === 'first' ? { changed: rows.changed, gone: rows.gone } : {}
    return JSON.stringify({ leave, stay, otherReason, newlyBad, ...firstWins })
  }
  return told(preview) === told(done)
}
