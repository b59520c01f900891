/**
 * The log on one disk. `catalog.json` holds id and topics, `segments/<20 digits>.lmdb` the record batches.
 *
 * States: *open* → *full* when a write fails for want of space or space runs below the reserve; every append is
 * refused with LOG_FULL, reads go on; once space is confirmed the segments are opened again, the ends read back from
 * disk, and it is *open*. → *failed* when a write or flush fails otherwise: appends are refused with LOG_FAILED and
 * `onFatal` is called once, for a failed flush must never be tried again and believed. → *closed*.
 *
 * An append that was refused may still be in the log: offsets then go on after it, or leave a gap.
 */
import { mkdirSync, readdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Clock,
  type LogRecord,
  messageOf,
  type NewRecord,
  PipelineError,
  syncPath,
  systemClock,
} from '../../core/index.ts'
import type { Append, Appended, Extent, Log, Partitioner, Topic } from '../log.ts'
import { kafkaPartition, kinesisHash, kinesisPartition } from '../partitioner.ts'
import { decodeRecords, encodeBatch, encodedBytes } from './batch.ts'
import { Catalog } from './catalog.ts'
import { tolerateLmdbRejections } from './lmdb-rejections.ts'
import { removeSegmentFile, Segment, type StoredBatch } from './segment.ts'

export interface EmbeddedLogOptions {
  /** A record's key, value and headers together. */
  recordBytesMax: number
  /** A segment that holds as much is followed by a new one. */
  segmentBytes: number
  /** A segment that is as old is followed by a new one. */
  segmentAgeMs: number
  /** Appends are refused with LOG_FULL while the volume has less free. */
  freeBytesMin: number
  clock?: Clock
  /** Called once when the log can no longer be trusted to write: end the process. */
  onFatal?: (error: PipelineError) => void
}

interface Partition {
  readonly topicId: number
  readonly number: number
  /** The offset after the last record on disk. */
  end: number
  /** The offset the next append gets; ahead of `end` while appends are being written. */
  next: number
  lastAppendMs: number
}

interface OpenTopic extends Topic {
  readonly id: number
  readonly numbers: readonly Partition[]
}

type State = { name: 'open' } | { name: 'full' | 'failed' | 'closed'; error: PipelineError }

const spaceCheckMs = 250

export class EmbeddedLog implements Log {
  readonly #folder: string
  readonly #options: EmbeddedLogOptions
  readonly #clock: Clock
  readonly #catalog: Catalog
  readonly #topics = new Map<string, OpenTopic>()
  readonly #listeners = new Set<() => void>()
  readonly #writing = new Set<Promise<unknown>>()
  readonly #release: () => void
  #segments: Segment[] = []
  #activeBytes = 0
  #state: State = { name: 'open' }
  #rolling: Promise<void> | undefined
  #recovering: Promise<void> | undefined
  #spaceCheckedMs = 0
  #keyless = 0

  private constructor(folder: string, catalog: Catalog, options: EmbeddedLogOptions) {
    this.#folder = folder
    this.#catalog = catalog
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#release = tolerateLmdbRejections()
  }

  /** Open the log of a folder, or make it. The caller owns the folder. @throws LOG_DAMAGED, LOG_FULL */
  static async open(folder: string, options: EmbeddedLogOptions): Promise<EmbeddedLog> {
    const log = new EmbeddedLog(folder, await Catalog.open(folder), options)
    await log.#openSegments()
    return log
  }

  get id(): string {
    return this.#catalog.id
  }

  topics(): Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  topic(name: string): Topic {
    return this.#topic(name)
  }

  async createTopic(
    name: string,
    { partitions, partitioner }: { partitions: number; partitioner: Partitioner },
  ): Promise<Topic> {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
      throw new PipelineError('TOPIC_NAME_INVALID', `${JSON.stringify(name)} cannot name a topic`)
    }
    this.#refuseUnlessOpen()
    const stored = await this.#catalog.add({ name, partitions, partitioner, createdMs: this.#clock() })
    return this.#openTopic(stored)
  }

  partitionFor(name: string, key: Buffer | null): number {
    const { partitions, partitioner } = this.#topic(name)
    if (partitioner === 'kinesis') return kinesisPartition(kinesisHash(key ?? Buffer.alloc(0)), partitions)
    return key === null ? this.#keyless++ % partitions : kafkaPartition(key, partitions)
  }

  async append({ topic, partition, records }: Append): Promise<Appended> {
    const target = this.#partition(topic, partition)
    if (records.length === 0) throw new TypeError('an append holds at least one record')
    for (const record of records) this.#refuseTooLarge(topic, record)
    this.#checkSpace()
    this.#refuseUnlessOpen()
    await this.#rollWhenDue()
    this.#refuseUnlessOpen()

    const appendTimeMs = Math.max(this.#clock(), target.lastAppendMs)
    const baseOffset = target.next
    const batch = encodeBatch(records, baseOffset, appendTimeMs)
    target.next += records.length
    target.lastAppendMs = appendTimeMs
    this.#activeBytes += batch.length

    const written = this.#active.put(target.topicId, partition, baseOffset, batch)
    this.#writing.add(written)
    try {
      await written
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#writing.delete(written)
    }
    // After a failed commit LMDB goes on with the next one: what it wrote then is read back, not acknowledged.
    this.#refuseUnlessOpen()
    target.end = baseOffset + records.length
    for (const listener of this.#listeners) listener()
    return { baseOffset, appendTimeMs }
  }

  offsets(topic: string, partition: number): { start: number; end: number } {
    const { topicId, end } = this.#partition(topic, partition)
    return { start: this.#segments[0]?.startOf(topicId, partition) ?? 0, end }
  }

  read(
    topic: string,
    partition: number,
    from: number,
    limit: { records: number; bytes: number },
  ): LogRecord[] {
    const found: LogRecord[] = []
    let bytes = 0
    for (const batch of this.#batches(topic, partition, from)) {
      for (const record of decodeRecords(batch.content, batch, topic, partition)) {
        if (record.offset < from) continue
        bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
        if (found.length > 0 && (found.length >= limit.records || bytes > limit.bytes)) return found
        found.push(record)
      }
    }
    return found
  }

  extent(
    topic: string,
    partition: number,
    from: number,
    limit: { records: number; bytes: number },
  ): Extent | undefined {
    let extent: Extent | undefined
    for (const { baseOffset, count, bytes, appendTimeMs } of this.#batches(topic, partition, from)) {
      const here = baseOffset + count - Math.max(baseOffset, from)
      if (!extent) {
        extent = { to: baseOffset + count, count: here, bytes, oldestMs: appendTimeMs }
        continue
      }
      if (extent.count + here > limit.records || extent.bytes + bytes > limit.bytes) break
      extent = { ...extent, to: baseOffset + count, count: extent.count + here, bytes: extent.bytes + bytes }
    }
    return extent
  }

  offsetAt(topic: string, partition: number, timeMs: number): number {
    const { start, end } = this.offsets(topic, partition)
    let low = start
    let high = end
    // Append times never go back: halve the offsets, moving by whole batches.
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [batch] = this.#batches(topic, partition, middle)
      if (!batch) high = middle
      else if (batch.appendTimeMs < timeMs) low = batch.baseOffset + batch.count
      else high = Math.min(middle, batch.baseOffset)
    }
    const [batch] = this.#batches(topic, partition, low)
    return batch ? batch.baseOffset : end
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Drop the oldest segments whose records all are below `keepFrom` and that are older than `ageMs`, or that stand
   * above `bytesMax` in all. The segment that is written to stays.
   *
   * @param keepFrom the first offset of a partition that is still needed
   * @returns the number of segments dropped
   */
  async retain(
    { ageMs, bytesMax }: { ageMs: number; bytesMax: number | null },
    keepFrom: (topic: string, partition: number) => number,
  ): Promise<number> {
    let dropped = 0
    for (;;) {
      const [oldest, next] = this.#segments
      if (!oldest || !next || this.#state.name !== 'open') return dropped
      const needed = [...this.#topics.values()].some(({ name, id, numbers }) =>
        numbers.some(({ number }) => next.startOf(id, number) > keepFrom(name, number)),
      )
      const old = this.#clock() - next.header.createdMs > ageMs
      const large = bytesMax !== null && this.#segments.length * this.#options.segmentBytes > bytesMax
      if (needed || !(old || large)) return dropped
      this.#segments = this.#segments.slice(1)
      await oldest.drop()
      dropped++
    }
  }

  /**
   * Continue offsets at these ends at the earliest, durably: what a lake holds beyond a lost log is not given out
   * twice. Call before anything is appended.
   */
  async continueFrom(ends: readonly { topic: string; partition: number; to: number }[]): Promise<void> {
    for (const { topic, partition, to } of ends) {
      const target = this.#partition(topic, partition)
      target.end = Math.max(target.end, to)
      target.next = target.end
    }
    await this.#roll()
  }

  async close(): Promise<void> {
    if (this.#state.name === 'closed') return
    await this.#drain()
    this.#state = { name: 'closed', error: new PipelineError('STOPPING', 'the log is closed') }
    await this.#recovering
    await this.#closeSegments()
    this.#release()
  }

  get #active(): Segment {
    const active = this.#segments.at(-1)
    if (!active)
      throw new PipelineError('LOG_FAILED', `the log in ${this.#folder} has no segment to write to`)
    return active
  }

  #topic(name: string): OpenTopic {
    const topic = this.#topics.get(name)
    if (!topic) throw new PipelineError('TOPIC_UNKNOWN', `there is no topic ${name}`)
    return topic
  }

  #partition(name: string, number: number): Partition {
    const topic = this.#topic(name)
    const partition = topic.numbers[number]
    if (partition) return partition
    throw new PipelineError(
      'PARTITION_UNKNOWN',
      `topic ${name} has no partition ${number}, but 0 to ${topic.partitions - 1}`,
    )
  }

  /** Batches on disk that hold records from `from` on, across segments. */
  *#batches(topic: string, partition: number, from: number): Generator<StoredBatch> {
    const { topicId, end } = this.#partition(topic, partition)
    const { start } = this.offsets(topic, partition)
    // Between closing and opening again nothing can be read.
    if (this.#segments.length === 0) this.#refuseUnlessOpen()
    if (from < start) {
      const range = `it starts at ${start}`
      throw new PipelineError(
        'OFFSET_OUT_OF_RANGE',
        `offset ${from} of ${topic}/${partition} is gone: ${range}`,
      )
    }
    const first = this.#segments.findLastIndex((segment) => segment.startOf(topicId, partition) <= from)
    for (const segment of this.#segments.slice(Math.max(first, 0))) {
      if (from >= end) return
      for (const batch of segment.batches(topicId, partition, from)) {
        if (batch.baseOffset + batch.count > end) return
        yield batch
      }
    }
  }

  #refuseTooLarge(topic: string, record: NewRecord): void {
    const bytes = encodedBytes(record)
    const limit = this.#options.recordBytesMax
    if (bytes <= limit) return
    throw new PipelineError(
      'RECORD_TOO_LARGE',
      `a record for ${topic} has ${bytes} bytes, the limit is ${limit}`,
    )
  }

  #refuseUnlessOpen(): void {
    if (this.#state.name !== 'open') throw this.#state.error
  }

  async #rollWhenDue(): Promise<void> {
    while (this.#rolling) await this.#rolling
    const { segmentBytes, segmentAgeMs } = this.#options
    const aged = this.#activeBytes > 0 && this.#clock() - this.#active.header.createdMs > segmentAgeMs
    if (this.#activeBytes <= segmentBytes && !aged) return
    this.#rolling = this.#drain()
      .then(() => this.#roll())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#rolling = undefined
      })
    await this.#rolling
  }

  async #drain(): Promise<void> {
    await Promise.allSettled(this.#writing)
  }

  /** Begin a new segment; nothing is being written. */
  async #roll(): Promise<void> {
    const sequence = 1 + (this.#segments.at(-1)?.header.sequence ?? 0)
    const path = join(this.#folder, 'segments', `${String(sequence).padStart(20, '0')}.lmdb`)
    const partitions = [...this.#topics.values()].flatMap((topic) => topic.numbers)
    const starts = partitions.map(({ topicId, number, end }): [number, number, number] => [
      topicId,
      number,
      end,
    ])
    removeSegmentFile(path)
    const segment = await Segment.create(path, { format: 1, sequence, createdMs: this.#clock(), starts })
    await syncPath(join(this.#folder, 'segments'))
    this.#segments = [...this.#segments, segment]
    this.#activeBytes = 0
  }

  async #openSegments(): Promise<void> {
    const folder = join(this.#folder, 'segments')
    mkdirSync(folder, { recursive: true })
    await syncPath(this.#folder)
    const names = readdirSync(folder).filter((name) => name.endsWith('.lmdb'))
    for (const [index, name] of names.sort().entries()) {
      const segment = Segment.open(join(folder, name))
      if (segment) this.#segments.push(segment)
      else if (index === names.length - 1) removeSegmentFile(join(folder, name))
      else throw new PipelineError('LOG_DAMAGED', `segment ${name} in ${folder} has no header`)
    }
    if (this.#segments.length === 0) await this.#roll()
    for (const topic of this.#catalog.topics) this.#openTopic(topic)
  }

  #openTopic(stored: {
    id: number
    name: string
    partitions: number
    partitioner: Partitioner
    createdMs: number
  }): Topic {
    const numbers = Array.from({ length: stored.partitions }, (_, number) =>
      this.#openPartition(stored.id, number),
    )
    const topic = { ...stored, numbers }
    this.#topics.set(stored.name, topic)
    return topic
  }

  #openPartition(topicId: number, number: number): Partition {
    const last = this.#active.last(topicId, number)
    const end = last ? last.baseOffset + last.count : this.#active.startOf(topicId, number)
    return { topicId, number, end, next: end, lastAppendMs: last?.appendTimeMs ?? 0 }
  }

  async #closeSegments(): Promise<void> {
    const segments = this.#segments
    this.#segments = []
    await Promise.allSettled(segments.map((segment) => segment.close()))
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder)
    return bavail * bsize
  }

  #checkSpace(): void {
    const now = performance.now()
    if (this.#state.name !== 'open' || now - this.#spaceCheckedMs < spaceCheckMs) return
    this.#spaceCheckedMs = now
    const free = this.#freeBytes()
    if (free < this.#options.freeBytesMin) this.#becomeFull(`${free} bytes are free on its volume`)
  }

  #fail(error: unknown): void {
    if (this.#state.name !== 'open') return
    // LMDB says EIO for a full disk as well: what is free decides which it was.
    const free = this.#freeBytes()
    if (free < Math.max(this.#options.freeBytesMin, 2 ** 20)) {
      this.#becomeFull(`a write failed (${messageOf(error)}) with ${free} bytes free on its volume`)
      return
    }
    const message = `a write of the log in ${this.#folder} failed: ${messageOf(error)}`
    const failure = new PipelineError('LOG_FAILED', message, { cause: error })
    this.#state = { name: 'failed', error: failure }
    this.#options.onFatal?.(failure)
  }

  #becomeFull(why: string): void {
    this.#state = {
      name: 'full',
      error: new PipelineError('LOG_FULL', `the log in ${this.#folder} is full: ${why}`),
    }
    this.#recovering = this.#recover()
  }

  /** Wait for space, then open the segments anew: what is on disk decides, not what memory believes. */
  async #recover(): Promise<void> {
    await this.#drain()
    while (this.#state.name === 'full' && this.#freeBytes() < Math.max(this.#options.freeBytesMin, 2 ** 20)) {
      await new Promise((resolve) => setTimeout(resolve, spaceCheckMs).unref())
    }
    if (this.#state.name !== 'full') return
    try {
      await this.#closeSegments()
      await this.#openSegments()
      this.#state = { name: 'open' }
    } catch (error) {
      const failure = new PipelineError(
        'LOG_FAILED',
        `the log in ${this.#folder} did not open again: ${messageOf(error)}`,
      )
      this.#state = { name: 'failed', error: failure }
      this.#options.onFatal?.(failure)
    }
  }
}
