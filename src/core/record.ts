/** A header: its name, and its value (null where the sender gave none). */
export type Header = readonly [name: string, value: Buffer | null]

/** Where a record stands in the log. */
export interface Place {
  topic: string
  partition: number
  offset: number
}

export function placeText({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`
}

/** What a sender hands to the log: bytes, kept as they are. */
export interface NewRecord {
  key: Buffer | null
  value: Buffer | null
  headers?: readonly Header[]
  /** The sender's time, milliseconds since 1970; the append's when absent. */
  timestampMs?: number
}

/** A record as the log gives it back. */
export interface LogRecord {
  topic: string
  partition: number
  /** A safe integer, rising by at least one from record to record of a partition. */
  offset: number
  key: Buffer | null
  value: Buffer | null
  headers: readonly Header[]
  timestampMs: number
  /** When the log accepted it, milliseconds since 1970; never goes back within a partition. */
  appendTimeMs: number
}
