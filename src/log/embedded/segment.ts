/**
 * One file of the log, an LMDB database, because LMDB files never shrink: retention drops whole segments.
 *
 *     key `00`                                              the segment's header, JSON:
 *         { format: 1, sequence, createdMs, starts: [[topic id, partition, offset], …] }
 *         `starts`: the end of every partition that existed when the segment was made. It gives the place to look
 *         for an offset, and keeps the end of a partition whose last record retention has dropped.
 *     key u32 topic id, u32 partition, u64 base offset (big-endian)     a record batch (`batch.ts`)
 *
 * Write: one LMDB transaction commits whatever waits, flushed before it resolves (`overlappingSync: false`: with the
 * library's default a power cut left a third of the files unusable). Recover: LMDB falls back to its last whole
 * transaction; a segment without a header is one whose making was cut off, and is deleted.
 */
import { statSync } from 'node:fs'
import { open as openLmdb, type RootDatabase } from 'lmdb'
import { messageOf, PipelineError } from '../../core/index.ts'
import { type BatchHeader, decodeHeader } from './batch.ts'
import { checkSegmentFile, removeSegmentFile } from './segment-file.ts'

const headerKey = Buffer.from([0])
const keyBytes = 16

export interface SegmentHeader {
  format: 1
  sequence: number
  createdMs: number
  starts: [topicId: number, partition: number, offset: number][]
}

/** A batch in place: its header, checked, and its bytes. */
export interface StoredBatch extends BatchHeader {
  content: Buffer
}

export class Segment {
  readonly path: string
  readonly header: SegmentHeader
  readonly #database: RootDatabase<Buffer, Buffer>
  readonly #starts: Map<string, number>
  #bytes: number

  private constructor(path: string, header: SegmentHeader, database: RootDatabase<Buffer, Buffer>) {
    this.path = path
    this.header = header
    this.#database = database
    this.#starts = new Map(
      header.starts.map(([topicId, partition, offset]) => [`${topicId}/${partition}`, offset]),
    )
    this.#bytes = pageBytesOf(database)
  }

  /** Make a segment; durable when this resolves, its name aside. */
  static async create(path: string, header: SegmentHeader): Promise<Segment> {
    const database = openDatabase(path)
    try {
      await database.put(headerKey, Buffer.from(JSON.stringify(header)))
    } catch (error) {
      await database.close()
      throw error
    }
    return new Segment(path, header, database)
  }

  /** @returns undefined when the making of the segment was cut off @throws LOG_DAMAGED */
  static async open(path: string): Promise<Segment | undefined> {
    if (!checkSegmentFile(path)) return undefined
    const database = openDatabase(path)
    try {
      const stored = database.get(headerKey)
      if (stored) return new Segment(path, parseHeader(stored), database)
    } catch (error) {
      await database.close()
      throw new PipelineError('LOG_DAMAGED', `the header of ${path}: ${messageOf(error)}`, { cause: error })
    }
    await database.close()
    return undefined
  }

  /** Bytes of the pages that hold batches, about; 0 when there is no batch. */
  get bytes(): number {
    return this.#bytes
  }

  /** What the segment takes of its volume. */
  get fileBytes(): number {
    return statSync(this.path).size
  }

  /** Resolves once the batch is on disk. */
  async put(topicId: number, partition: number, baseOffset: number, batch: Buffer): Promise<void> {
    this.#bytes += batch.length
    await this.#database.put(batchKey(topicId, partition, baseOffset), batch)
  }

  /** The end of a partition when the segment was made: nothing below it is here. */
  startOf(topicId: number, partition: number): number {
    return this.#starts.get(`${topicId}/${partition}`) ?? 0
  }

  /** The last batch of a partition. */
  last(topicId: number, partition: number): StoredBatch | undefined {
    return this.#atOrBefore(topicId, partition, Number.MAX_SAFE_INTEGER)
  }

  /** The batches of a partition in order, from the one that holds `offset`, or the next one. */
  *batches(topicId: number, partition: number, offset: number): Generator<StoredBatch> {
    const floor = this.#atOrBefore(topicId, partition, offset)
    const from = floor && floor.baseOffset + floor.count > offset ? floor.baseOffset : offset
    const range = this.#database.getRange({
      start: batchKey(topicId, partition, from),
      end: batchKey(topicId, partition, Number.MAX_SAFE_INTEGER),
      snapshot: false,
    })
    for (const { key, value } of range) yield this.#accept(key, value)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /** Close, and remove the file. */
  async drop(): Promise<void> {
    await this.close()
    removeSegmentFile(this.path)
  }

  #atOrBefore(topicId: number, partition: number, offset: number): StoredBatch | undefined {
    const start = batchKey(topicId, partition, offset)
    const end = batchKey(topicId, partition, 0)
    // The end of a range is exclusive, also backwards: a batch at offset 0 is asked for by its key.
    for (const { key, value } of this.#database.getRange({ start, end, reverse: true, limit: 1 })) {
      return this.#accept(key, value)
    }
    const first = this.#database.get(end)
    return first && this.#accept(end, first)
  }

  #accept(key: Buffer, content: Buffer): StoredBatch {
    const header = decodeHeader(content)
    const offset = Number(key.readBigUInt64BE(8))
    if (header && header.baseOffset === offset) return { ...header, content }
    const place = `topic id ${key.readUInt32BE(0)}, partition ${key.readUInt32BE(4)}, offset ${offset}`
    throw new PipelineError(
      'LOG_DAMAGED',
      `the batch at ${place} in ${this.path} does not match its checksum`,
    )
  }
}

function openDatabase(path: string): RootDatabase<Buffer, Buffer> {
  return openLmdb<Buffer, Buffer>({
    path,
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  })
}

function batchKey(topicId: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(keyBytes)
  key.writeUInt32BE(topicId, 0)
  key.writeUInt32BE(partition, 4)
  key.writeBigUInt64BE(BigInt(offset), 8)
  return key
}

function parseHeader(stored: Buffer): SegmentHeader {
  const header = JSON.parse(stored.toString()) as SegmentHeader
  if (header.format === 1) return header
  throw new Error(`unknown format ${header.format}`)
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
