import type { LogRecord, NewRecord } from '../core/index.ts'

/**
 * How a record finds its partition when its sender names none; fixed when the topic is made, used by every door.
 * `kafka`: murmur2 of the key, keyless records spread evenly. `kinesis`: MD5 of the key over equal hash ranges.
 */
export type Partitioner = 'kafka' | 'kinesis'

export interface Topic {
  readonly name: string
  /** Partitions are 0 … partitions − 1; on a `kinesis` topic a partition is a shard. */
  readonly partitions: number
  readonly partitioner: Partitioner
  /** Milliseconds since 1970; part of every sequence number computed for a `kinesis` topic. */
  readonly createdMs: number
}

/** What is put together: the records of one topic partition, in order. */
export interface Append {
  topic: string
  partition: number
  /** At least one. */
  records: readonly NewRecord[]
}

/** Where an append stands: its records have offsets `baseOffset`, +1, +2 … */
export interface Appended {
  baseOffset: number
  appendTimeMs: number
}

/** What a stretch of a partition holds, without its records. */
export interface Extent {
  /** The offset after the last record of the stretch. */
  to: number
  count: number
  /** Keys and values. */
  bytes: number
  /** When the first record of the stretch was appended. */
  oldestMs: number
}

/**
 * A durable, partitioned, ordered log. Offsets of a partition start at 0 and rise by one.
 *
 * Errors of every method: LOG_FULL and LOG_FAILED (retriable; an append may then still be in the log),
 * LOG_DAMAGED, TOPIC_UNKNOWN, PARTITION_UNKNOWN.
 */
export interface Log {
  /** Made with the log, for ever; tells this log from any other. */
  readonly id: string

  /** Topics in order of name. */
  topics(): Topic[]

  /** @throws TOPIC_UNKNOWN */
  topic(name: string): Topic

  /**
   * Make a topic; durable when this resolves.
   *
   * @throws TOPIC_EXISTS, TOPIC_NAME_INVALID
   */
  createTopic(name: string, options: { partitions: number; partitioner: Partitioner }): Promise<Topic>

  /** The offset after the last record, also of a topic that was deleted; 0 where there never was one. */
  endOf(topic: string, partition: number): number

  /** The partition for a key (null: none) of a topic, by its partitioner. @throws TOPIC_UNKNOWN */
  partitionFor(topic: string, key: Buffer | null): number

  /**
   * Append; resolves once every record is on disk, in one flush with whatever else waits.
   * The records of one append stand together, in their order.
   *
   * @throws RECORD_TOO_LARGE before anything is appended
   */
  append(append: Append): Promise<Appended>

  /** First offset held, and the offset after the last record that is on disk. */
  offsets(topic: string, partition: number): { start: number; end: number }

  /**
   * Records from an offset on, in order; empty at the end. At least one record when there is one, however large.
   *
   * @param limit at most this many records, and (after the first) this many bytes of keys and values
   * @throws OFFSET_OUT_OF_RANGE below the start
   */
  read(topic: string, partition: number, from: number, limit: { records: number; bytes: number }): LogRecord[]

  /** What `read` with this limit would cover (at least one record); undefined at the end. */
  extent(
    topic: string,
    partition: number,
    from: number,
    limit: { records: number; bytes: number },
  ): Extent | undefined

  /** Offset of the first record appended at or after a time; the end offset when there is none. */
  offsetAt(topic: string, partition: number, timeMs: number): number

  /** Call `listener` after each commit; returns what ends it. */
  onAppend(listener: () => void): () => void

  /** Flush what is waiting and close. Appends that come later are refused. */
  close(): Promise<void>
}
