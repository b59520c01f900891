/**
 * The log on one disk. `catalog.json` holds id and topics, `segments/<20 digits>.lmdb` the record batches.
 *
 * States: *open* → *full* when space runs below the reserve or a write fails for want of it; every append is
 * refused with LOG_FULL, reads go on; once space is confirmed the segments are opened again, the ends read back from
 * disk, and it is *open*. → *failed* when a write or flush fails otherwise: appends are refused with LOG_FAILED and
 * `onFatal` is called once, for a failed flush must never be tried again and believed; so too when nobody knows whether
 * a change of the catalog was made. → *closed*.
 *
 * An append that was refused may still be in the log: offsets then go on after it, or leave a gap.
 */
import { join } from 'node:path'
import { type Clock, type LogRecord, PipelineError, systemClock } from '../../core/index.ts'
import type { Append, Appended, Extent, Log, Partitioner, Topic } from '../log.ts'
import { encodeBatch, encodedBytes, refusalOf } from './batch.ts'
import { checksumIn, encodeKey } from './batch-key.ts'
import { Catalog } from './catalog.ts'
import { Gate } from './gate.ts'
import { tolerateLmdbRejections } from './lmdb-rejections.ts'
import type { EmbeddedLogOptions } from './options.ts'
import { Pending } from './pending.ts'
import { extentOf, offsetAtTime, recordsOf } from './reading.ts'
import type { SegmentHeader, StoredBatch } from './segment.ts'
import { Segments } from './segments.ts'
import { type Partition, refuseUnlessTopicName, Topics } from './topics.ts'

export class EmbeddedLog implements Log {
  readonly #folder: string
  readonly #options: EmbeddedLogOptions
  readonly #clock: Clock
  readonly #catalog: Catalog
  readonly #gate: Gate
  readonly #release = tolerateLmdbRejections()
  readonly #listeners = new Set<() => void>()
  /** Appends that were accepted. */
  readonly #appends = new Pending()
  #appendingBytes = 0
  /** Topics that take no more records, and are deleted next. */
  readonly #deleting = new Set<string>()
  /** What changes segments. */
  readonly #writes = new Pending()
  /** None while they are being opened again, and once the log is closed. */
  #segments: Segments | undefined
  #topics = new Topics()
  #rolling: Promise<void> | undefined
  #closing: Promise<void> | undefined

  private constructor(folder: string, catalog: Catalog, options: EmbeddedLogOptions) {
    this.#folder = folder
    this.#catalog = catalog
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#gate = new Gate({
      folder,
      freeBytesMin: options.freeBytesMin,
      reopen: () => this.#reopen(),
      onFatal: (error) => options.onFatal?.(error),
    })
  }

  /** Open the log of a folder, or make it. The caller owns the folder. @throws LOG_DAMAGED, LOG_FULL, LOG_FAILED */
  static async open(folder: string, options: EmbeddedLogOptions): Promise<EmbeddedLog> {
    const log = new EmbeddedLog(folder, await Catalog.open(folder), options)
    try {
      await log.#openSegments()
      return log
    } catch (error) {
      await log.close()
      if (error instanceof PipelineError) throw error
      throw log.#gate.failureOf('it did not open', error)
    }
  }

  get id(): string {
    return this.#catalog.id
  }

  /** What appends are refused with at present. */
  get refusal(): PipelineError | undefined {
    return this.#gate.refusal
  }

  topics(): Topic[] {
    return this.#topics.list()
  }

  topic(name: string): Topic {
    return this.#topics.topic(name)
  }

  async createTopic(
    name: string,
    { partitions, partitioner }: { partitions: number; partitioner: Partitioner },
  ): Promise<Topic> {
    refuseUnlessTopicName(name)
    this.#gate.refuseUnlessOpen()
    const topic = { name, partitions, partitioner, createdMs: this.#clock() }
    const stored = await this.#cataloged(this.#catalog.add(topic))
    return this.#topics.open(stored, this.#opened)
  }

  /**
   * Delete a topic with its records; durable when this resolves. A topic made under its name again goes on with its
   * offsets. Appends are refused with TOPIC_UNKNOWN from the call on.
   *
   * @param whenAtRest called when no append is under way any more; when it fails, the topic stays
   */
  async deleteTopic(name: string, whenAtRest: () => Promise<void> = async () => undefined): Promise<void> {
    const { partitions } = this.topic(name)
    this.#gate.refuseUnlessOpen()
    this.#refuseWhileDeleting(name)
    this.#deleting.add(name)
    try {
      await this.#appends.settled()
      this.#gate.refuseUnlessOpen()
      await whenAtRest()
      const ends = Array.from({ length: partitions }, (_, partition) => this.offsets(name, partition).end)
      await this.#cataloged(this.#catalog.remove(name, ends))
      this.#topics.remove(name)
    } finally {
      this.#deleting.delete(name)
    }
  }

  endOf(topic: string, partition: number): number {
    const known = this.topics().some(({ name, partitions }) => name === topic && partition < partitions)
    return known ? this.offsets(topic, partition).end : this.#catalog.formerEnd(topic, partition)
  }

  partitionFor(topic: string, key: Buffer | null): number {
    return this.#topics.partitionFor(topic, key)
  }

  async append(append: Append): Promise<Appended> {
    const { topic, partition, records } = append
    this.#topics.partition(topic, partition)
    this.#refuseWhileDeleting(topic)
    if (records.length === 0) throw new TypeError('an append holds at least one record')
    for (const record of records) {
      const refusal = refusalOf(record, this.#options.recordBytesMax)
      if (refusal) throw new PipelineError('RECORD_TOO_LARGE', `a record for ${topic} has ${refusal}`)
    }
    const bytes = records.reduce((sum, record) => sum + encodedBytes(record), 0)
    this.#appendingBytes += bytes
    try {
      this.#gate.checkSpace(this.#appendingBytes)
      this.#gate.refuseUnlessOpen()
      const appended = await this.#appends.track(this.#write(append))
      for (const listener of this.#listeners) listener()
      return appended
    } finally {
      this.#appendingBytes -= bytes
    }
  }

  offsets(topic: string, partition: number): { start: number; end: number } {
    const { start, end } = this.#topics.partition(topic, partition)
    return { start, end }
  }

  read(
    topic: string,
    partition: number,
    from: number,
    limit: { records: number; bytes: number },
  ): LogRecord[] {
    return recordsOf(this.#batches(topic, partition, from), topic, partition, from, limit)
  }

  extent(
    topic: string,
    partition: number,
    from: number,
    limit: { records: number; bytes: number },
  ): Extent | undefined {
    return extentOf(this.#batches(topic, partition, from), from, limit)
  }

  offsetAt(topic: string, partition: number, timeMs: number): number {
    const batchAt = (offset: number) => this.#batches(topic, partition, offset).next().value ?? undefined
    return offsetAtTime(batchAt, this.offsets(topic, partition), timeMs)
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Drop the oldest segments whose records all are below `keepFrom`, and that are older than `ageMs` or stand in the
   * way of taking at most `bytesMax` of the volume. The segment that is written to stays.
   *
   * @param keepFrom the first offset of a partition that is still needed
   * @returns the number of segments dropped
   */
  async retain(
    { ageMs, bytesMax }: { ageMs: number; bytesMax: number | null },
    keepFrom: (topic: string, partition: number) => number,
  ): Promise<number> {
    let dropped = 0
    // A full log needs it most.
    while (this.#gate.isReadable) {
      const segments = this.#opened
      const next = segments.second
      if (!next) return dropped
      const needed = this.#topics
        .partitions()
        .some(({ topicId, topic, number }) => next.startOf(topicId, number) > keepFrom(topic, number))
      const old = segments.secondMadeMs < this.#clock() - ageMs
      const large = bytesMax !== null && segments.fileBytes > bytesMax
      if (needed || !(old || large)) return dropped
      // First: nobody may read an offset that is about to go, and find nothing there.
      for (const held of this.#topics.partitions())
        held.start = Math.max(held.start, next.startOf(held.topicId, held.number))
      await this.#writes.track(segments.dropOldest())
      dropped++
    }
    return dropped
  }

  /**
   * Continue offsets at these ends at the earliest, durably, also of topics that are yet to be made: what a lake holds
   * beyond a lost log is not given out twice. Call before anything is appended.
   */
  async continueFrom(ends: readonly { topic: string; partition: number; to: number }[]): Promise<void> {
    for (const [topic, places] of Map.groupBy(ends, (end) => end.topic)) {
      const greatest: number[] = []
      for (const { partition, to } of places) greatest[partition] = to
      // A topic that is there remembers its ends by its records, and by the header of the next segment.
      const { partitions } = this.topics().find(({ name }) => name === topic) ?? { partitions: 0 }
      if (greatest.length > partitions)
        await this.#catalog.remember(
          topic,
          Array.from(greatest, (end = 0) => end),
        )
    }
    for (const { topic, partition, to } of ends) {
      if (!this.topics().some(({ name, partitions }) => name === topic && partition < partitions)) continue
      const target = this.#topics.partition(topic, partition)
      target.end = Math.max(target.end, to)
      target.next = target.end
    }
    this.#rolling ??= this.#roll()
    await this.#rolling
    this.#gate.refuseUnlessOpen()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const closed = this.#gate.close()
    await this.#appends.settled()
    await this.#rolling?.catch(() => undefined)
    await this.#writes.settled()
    await closed
    await this.#segments?.close()
    this.#segments = undefined
    this.#release()
  }

  /** A change of the catalog; where nobody knows whether it was made, nothing is acknowledged any more. */
  async #cataloged<T>(change: Promise<T>): Promise<T> {
    return change.catch((error: unknown) => {
      if (error instanceof PipelineError && error.code === 'LOG_FAILED') this.#gate.fail(error)
      throw error
    })
  }

  #refuseWhileDeleting(topic: string): void {
    if (this.#deleting.has(topic)) throw new PipelineError('TOPIC_UNKNOWN', `topic ${topic} is being deleted`)
  }

  /** Nothing is awaited between the last look at the segment and the put into it: none is missed by a roll. */
  async #write({ topic, partition, records }: Append): Promise<Appended> {
    while (this.#rolling || this.#rollIsDue()) {
      this.#rolling ??= this.#roll()
      await this.#rolling
      this.#gate.refuseUnlessWritable()
    }
    const target = this.#topics.partition(topic, partition)
    const appendTimeMs = Math.max(this.#clock(), target.lastAppendMs)
    const baseOffset = target.next
    const key = encodeKey(target.topicId, partition, baseOffset)
    const batch = encodeBatch(records, baseOffset, appendTimeMs, checksumIn(key))
    target.next += records.length
    target.lastAppendMs = appendTimeMs
    await this.#writes.track(this.#commit(target, key, batch))
    return { baseOffset, appendTimeMs }
  }

  async #commit(target: Partition, key: Buffer, batch: Buffer): Promise<void> {
    const end = target.next
    try {
      await this.#opened.newest.put(key, batch)
    } catch (error) {
      this.#gate.writeFailed(error)
    }
    // After a failed commit LMDB goes on with the next one: what it wrote then is read back, not acknowledged.
    this.#gate.refuseUnlessBelieved()
    // LMDB commits in the order of the puts, but lmdb may tell a later one of a transaction first: what lies below is there.
    target.end = Math.max(target.end, end)
  }

  /** Batches on disk that hold records from `from` on, across segments. */
  *#batches(topic: string, partition: number, from: number): Generator<StoredBatch, undefined> {
    const { topicId, start, end } = this.#topics.partition(topic, partition)
    if (from < start) {
      const gone = `offset ${from} of ${topic}/${partition} is gone: it starts at ${start}`
      throw new PipelineError('OFFSET_OUT_OF_RANGE', gone)
    }
    if (from >= end) return
    for (const batch of this.#opened.batches(topicId, partition, from)) {
      if (batch.baseOffset + batch.count > end) return
      yield batch
    }
  }

  /** @throws LOG_FULL between closing and opening again, STOPPING once the log is closed */
  get #opened(): Segments {
    if (this.#segments) return this.#segments
    this.#gate.refuseUnlessOpen()
    throw new PipelineError('LOG_FAILED', `the log in ${this.#folder} has no segments`)
  }

  #rollIsDue(): boolean {
    const { segmentBytes, segmentAgeMs } = this.#options
    const { bytes, header } = this.#opened.newest
    const age = this.#clock() - header.createdMs
    // A segment from the future would never become old.
    return bytes > segmentBytes || (bytes > 0 && (age > segmentAgeMs || age < 0))
  }

  /**
   * Begin a new segment once nothing is being written; a failure to write closes the gate.
   *
   * @throws LOG_FULL, LOG_FAILED where it was refused: whoever appends next tries again
   */
  async #roll(): Promise<void> {
    try {
      await this.#writes.settled()
      this.#gate.refuseUnlessWritable()
      await this.#opened.roll(this.#clock(), this.#ends(), (made) => this.#use(made))
    } catch (error) {
      // What refuses it has written nothing: the gate, or a lack of descriptors.
      const isRefused = error instanceof PipelineError && ['LOG_FULL', 'LOG_FAILED'].includes(error.code)
      if (isRefused) throw error
      this.#gate.writeFailed(error)
    } finally {
      this.#rolling = undefined
    }
  }

  #use(sequence: number): Promise<void> {
    return this.#cataloged(this.#catalog.useSegment(sequence))
  }

  #ends(): SegmentHeader['starts'] {
    return this.#topics
      .partitions()
      .map(({ topicId, number, end, lastAppendMs }) => [topicId, number, end, lastAppendMs])
  }

  async #openSegments(): Promise<void> {
    const segments = await Segments.open(join(this.#folder, 'segments'), this.#catalog.segment)
    this.#segments = segments
    const topics = new Topics()
    if (segments.count === 0) await segments.roll(this.#clock(), [], (made) => this.#use(made))
    // A process may have died between the two.
    else await this.#use(segments.newest.header.sequence)
    for (const topic of this.#catalog.topics) topics.open(topic, segments)
    this.#topics = topics
  }

  async #reopen(): Promise<void> {
    await this.#rolling?.catch(() => undefined)
    await this.#writes.settled()
    const segments = this.#segments
    this.#segments = undefined
    await segments?.close()
    await this.#openSegments()
  }
}
