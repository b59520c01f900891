import type { KeptRefusal } from '../refusals/index.ts'
import type { RecordLife } from './life.ts'

/**
 * Why a dataset has no row with a key. What happened to a record with it stands first, newest first; then what may have
 * happened. A contract: this is what `trace --key --json` prints.
 */
export type Cause = { text: string; next: string } & (
  | {
      /** A record with it came; its life says more. */
      cause:
        | 'quarantined'
        | 'olderDefinition'
        | 'otherDataset'
        | 'waiting'
        | 'unreadTopic'
        | 'notTaken'
        | 'otherKey'
        | 'gone'
        | 'unreadable'
      timeMs?: number
      record: RecordLife
    }
  | { cause: 'refused'; timeMs: number; refusal: KeptRefusal }
  /** Nobody can tell whether one of these records had the key. */
  | { cause: 'lost' | 'skipped'; timeMs: number; topic: string; records: number }
  | { cause: 'unreadable'; unread: string[] }
  | {
      cause: 'neverCame'
      nearestKeys: string[]
      recordsLookedAt: number
      withoutKey: number
      refusedUnseen: number
    }
)

export interface KeyTrace {
  key: string
  datasets: DatasetKey[]
}

export interface DatasetKey {
  dataset: string
  /** The key's columns, with the values that were sought. */
  key: Readonly<Record<string, string>>
  state: 'present' | 'missing'
  /** Of a key that has a row: the record that made it, where it can be told. */
  record?: RecordLife
  /** Of a key that has a row: where, by way of cleaning. */
  rows?: { table: string; row: Readonly<Record<string, unknown>> }[]
  /** Of a missing one. */
  causes?: Cause[]
}
