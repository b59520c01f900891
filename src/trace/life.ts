/**
 * The life of a record, as `pinflow trace` tells it: where it was acknowledged, when it was taken, where it lies in the
 * lake, and what became of it in each of its dataset's two tables. Times are milliseconds since 1970. A contract: this is
 * what `trace --json` prints.
 */

import type { Place } from '../core/index.ts'

export interface RecordLife extends Place {
  /** The dataset that reads the topic; absent where none does. */
  dataset?: string
  /** Where no dataset reads the topic: the topic of one whose name is nearest. */
  nearestTopic?: string
  log: LogLife
  epoch: EpochLife
  lake: LakeLife
  stream?: Fate
  batch?: Fate
}

export type LogLife =
  | {
      state: 'held'
      appendTimeMs: number
      timestampMs: number
      key: string | { base64: string } | null
      valueBytes: number | null
    }
  /** Retention has dropped it; the lake has it. `startOffset`: the first offset that is held. */
  | { state: 'dropped'; startOffset: number }
  | { state: 'topicDeleted' }
  /** An append that was refused has left the offset without a record. */
  | { state: 'empty' }

export type EpochLife =
  | { state: 'taken'; epoch: number; timeMs: number }
  /** Not taken yet: for so long, and it will be within so long while the platform runs. */
  | { state: 'waiting'; ageMs: number; withinMs: number }
  /** `lake.topics` leaves the topic out. */
  | { state: 'leftOut' }
  | { state: 'lost' | 'skipped'; why: string; records: number; timeMs?: number }

export type LakeLife =
  /** `line` counts from 1. */
  | { state: 'landed'; land: number; object: string; line: number }
  | { state: 'waiting'; ageMs?: number; withinMs: number }
  | { state: 'unreadable'; message: string }
  | { state: 'none' }

/** What became of a record in one of its dataset's tables. */
export type Fate =
  | ({ state: 'row' } & RowPlace)
  /** A row with its key was there; `of` is the record that made it, where that can be told. */
  | ({ state: 'duplicate'; of?: Place } & RowPlace)
  | Quarantined
  | Waiting
  /** It was cleaned, and there is no row with its key any more. */
  | { state: 'gone'; table: string; version: number; why: string; next: string }
  | { state: 'unreadable'; table: string; message: string; next: string }

export interface RowPlace {
  table: string
  version: number
  /** The version that brought the file, and when; absent where the log of the table does not reach so far back. */
  addedByVersion?: number
  committedMs?: number
  file: string
  row: Readonly<Record<string, unknown>>
}

export interface Quarantined {
  state: 'quarantined'
  table: string
  /** A code of the closed list. */
  reason: string
  column?: string
  /** The column's value, as the record has it. */
  value?: string
  /** What the column takes. */
  rule?: string
  detail?: string
  help: string
  /** Whether it would be a row now: it was cleaned by another definition. */
  passesNow: boolean
  next: string
}

export interface Waiting {
  state: 'waiting'
  table: string
  /** What it waits for. */
  for: 'take' | 'landing' | 'cleaning' | 'start' | 'batch' | 'resume' | 'rebuild' | 'repair'
  /** How long ago it was appended, where the log has it, or taken. */
  ageMs?: number
  why: string
  next: string
}
