/**
 * One file of the log, an LMDB database, because LMDB files never shrink: retention drops whole segments.
 *
 *     key `00`                       the segment's header, JSON with a checksum:
 *         { format: 1, sequence, createdMs, starts: [[topic id, partition, offset, append time], …] }
 *         `starts`: end and last append time of every partition that existed when the segment was made. They give the
 *         place to look for an offset, and keep the end of a partition whose last record retention has dropped.
 *     key of a batch (`batch-key.ts`)     a record batch (`batch.ts`)
 *
 * Write: one LMDB transaction commits whatever waits, flushed before it resolves (`overlappingSync: false`: with the
 * library's default a power cut left a third of the files unusable). Recover: LMDB falls back to its last whole
 * transaction; a segment without a header is one whose making was cut off, and is deleted, unless the catalog says that
 * it was used. A file is looked through before LMDB opens it: the newest when the log is opened, the others when they are
 * first read.
 */
import { statSync } from 'node:fs'
import type { RootDatabase } from 'lmdb'
import { messageOf, openSealedJson, PipelineError, sealJson } from '../../core/index.ts'
import { type BatchHeader, decodeHeader } from './batch.ts'
import { checksumIn, keyAfter, keyBefore, placeIn } from './batch-key.ts'
import { checkSegmentFile, headerKey, openDatabase, readStoredHeader } from './segment-file.ts'

export interface SegmentHeader {
  format: 1
  sequence: number
  createdMs: number
  starts: [topicId: number, partition: number, offset: number, appendTimeMs: number][]
}

/** A batch in place: its header, checked, and its bytes. */
export interface StoredBatch extends BatchHeader {
  content: Buffer
}

export class Segment {
  readonly path: string
  readonly header: SegmentHeader
  readonly #starts: ReadonlyMap<string, { offset: number; appendTimeMs: number }>
  /** None before it is first read. */
  #database: RootDatabase<Buffer, Buffer> | undefined
  #isClosed = false
  #bytes = 0

  private constructor(path: string, header: SegmentHeader) {
    this.path = path
    this.header = header
    this.#starts = new Map(
      header.starts.map(([topicId, partition, offset, appendTimeMs]) => [
        `${topicId}/${partition}`,
        { offset, appendTimeMs },
      ]),
    )
  }

  /** Make a segment; durable when this resolves, its name aside. */
  static async create(path: string, header: SegmentHeader): Promise<Segment> {
    const segment = new Segment(path, header)
    segment.#database = openDatabase(path)
    try {
      await segment.#database.put(headerKey, sealJson(header))
    } catch (error) {
      await segment.close()
      throw error
    }
    return segment
  }

  /** A segment that is only read; what is in it is looked at later. @throws LOG_DAMAGED */
  static openSealed(path: string): Segment {
    const stored = readStoredHeader(path)
    if (stored) return new Segment(path, parseHeader(path, stored))
    throw new PipelineError('LOG_DAMAGED', `segment ${path} has no header`)
  }

  /** The segment that is written to. @returns undefined when its making was cut off @throws LOG_DAMAGED */
  static openNewest(path: string): Segment | undefined {
    if (!checkSegmentFile(path)) return undefined
    const stored = readStoredHeader(path)
    if (!stored) return undefined
    const segment = new Segment(path, parseHeader(path, stored))
    segment.#database = openDatabase(path)
    segment.#bytes = pageBytesOf(segment.#database)
    return segment
  }

  /** Bytes of the pages that hold batches, about; 0 when there is no batch. Of the newest segment alone. */
  get bytes(): number {
    return this.#bytes
  }

  /** What the segment takes of its volume. @throws STORE_FAILED */
  get fileBytes(): number {
    try {
      return statSync(this.path).size
    } catch (error) {
      throw new PipelineError('STORE_FAILED', `the size of segment ${this.path}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /** Resolves once the batch is on disk. @param key its place (`encodeKey`) */
  async put(key: Buffer, batch: Buffer): Promise<void> {
    this.#bytes += batch.length
    await this.#opened.put(key, batch)
  }

  /** The end of a partition when the segment was made: nothing below it is here. */
  startOf(topicId: number, partition: number): number {
    return this.#starts.get(`${topicId}/${partition}`)?.offset ?? 0
  }

  /** The append time of the last record of a partition when the segment was made; 0 where there was none. */
  timeBefore(topicId: number, partition: number): number {
    return this.#starts.get(`${topicId}/${partition}`)?.appendTimeMs ?? 0
  }

  /** The last batch of a partition. */
  last(topicId: number, partition: number): StoredBatch | undefined {
    return this.#atOrBefore(topicId, partition, Number.MAX_SAFE_INTEGER)
  }

  /** The batches of a partition in order, from the one that holds `offset`, or the next one. */
  *batches(topicId: number, partition: number, offset: number): Generator<StoredBatch> {
    const floor = this.#atOrBefore(topicId, partition, offset)
    const from = floor && floor.baseOffset + floor.count > offset ? floor.baseOffset : offset
    const range = this.#opened.getRange({
      start: keyBefore(topicId, partition, from),
      end: keyAfter(topicId, partition, Number.MAX_SAFE_INTEGER),
      snapshot: false,
    })
    for (const { key, value } of range) yield this.#accept(key, value)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const database = this.#database
    this.#database = undefined
    await database?.close()
  }

  /** @throws LOG_DAMAGED */
  get #opened(): RootDatabase<Buffer, Buffer> {
    if (this.#database) return this.#database
    if (this.#isClosed) throw new PipelineError('LOG_FAILED', `segment ${this.path} is closed`)
    if (!checkSegmentFile(this.path))
      throw new PipelineError('LOG_DAMAGED', `there is nothing in segment ${this.path}`)
    this.#database = openDatabase(this.path)
    return this.#database
  }

  #atOrBefore(topicId: number, partition: number, offset: number): StoredBatch | undefined {
    const start = keyAfter(topicId, partition, offset)
    const end = keyBefore(topicId, partition, 0)
    for (const { key, value } of this.#opened.getRange({ start, end, reverse: true, limit: 1 }))
      return this.#accept(key, value)
    return undefined
  }

  #accept(key: Buffer, content: Buffer): StoredBatch {
    const header = decodeHeader(content, checksumIn(key))
    const { topicId, partition, offset } = placeIn(key)
    if (header && header.baseOffset === offset) return { ...header, content }
    const place = `topic id ${topicId}, partition ${partition}, offset ${offset}`
    throw new PipelineError(
      'LOG_DAMAGED',
      `the batch at ${place} in ${this.path} does not match its checksum`,
    )
  }
}

function parseHeader(path: string, stored: Buffer): SegmentHeader {
  try {
    const header = openSealedJson(stored) as SegmentHeader
    if (header.format === 1) return header
    throw new Error(`unknown format ${header.format}`)
  } catch (error) {
    throw new PipelineError('LOG_DAMAGED', `the header of ${path}: ${messageOf(error)}`, { cause: error })
  }
}

function pageBytesOf(database: RootDatabase<Buffer, Buffer>): number {
  const stats = database.getStats() as {
    entryCount: number
    pageSize: number
    treeLeafPageCount: number
    overflowPages: number
  }
  // The segment's header is an entry.
  if (stats.entryCount <= 1) return 0
  return (stats.treeLeafPageCount + stats.overflowPages) * stats.pageSize
}
