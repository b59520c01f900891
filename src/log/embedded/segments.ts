/**
 * The segments of a log in order, files `<20 digits>.lmdb` of one folder; batches are put into the newest. Sequence
 * numbers rise by one from file to file, and a batch of a topic partition is never in an older segment than the batch
 * before it.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError, syncPath } from '../../core/index.ts'
import { Segment, type SegmentHeader, type StoredBatch } from './segment.ts'
import { removeSegmentFile } from './segment-file.ts'

export class Segments {
  readonly #folder: string
  #list: readonly Segment[]

  private constructor(folder: string, list: readonly Segment[]) {
    this.#folder = folder
    this.#list = list
  }

  /** Open the segments of a folder; there may be none. @throws LOG_DAMAGED */
  static async open(folder: string): Promise<Segments> {
    if (mkdirSync(folder, { recursive: true }) !== undefined) await syncPath(join(folder, '..'))
    const names = readdirSync(folder).filter((name) => name.endsWith('.lmdb'))
    const list: Segment[] = []
    try {
      for (const [index, name] of names.sort().entries()) {
        const path = join(folder, name)
        const segment = await Segment.open(path)
        if (segment) list.push(inOrder(segment, list.at(-1)))
        else if (index === names.length - 1) removeSegmentFile(path)
        else throw new PipelineError('LOG_DAMAGED', `segment ${path} has no header`)
      }
    } catch (error) {
      await closeAll(list)
      throw error
    }
    return new Segments(folder, list)
  }

  get count(): number {
    return this.#list.length
  }

  /** What all of them take of their volume. */
  get fileBytes(): number {
    return this.#list.reduce((sum, segment) => sum + segment.fileBytes, 0)
  }

  /** The segment that is written to. */
  get newest(): Segment {
    const newest = this.#list.at(-1)
    if (newest) return newest
    throw new PipelineError('LOG_FAILED', `there is no segment in ${this.#folder}`)
  }

  /** The header of the segment after the oldest: every record in the oldest came before it was made. */
  get second(): Segment | undefined {
    return this.#list[1]
  }

  /** The first offset of a partition that may be here. */
  startOf(topicId: number, partition: number): number {
    return this.#list[0]?.startOf(topicId, partition) ?? 0
  }

  /** The last batch of a partition. */
  last(topicId: number, partition: number): StoredBatch | undefined {
    for (const segment of this.#list.toReversed()) {
      const last = segment.last(topicId, partition)
      if (last) return last
    }
    return undefined
  }

  /** The batches of a partition in order, from the one that holds an offset, or the next one. */
  *batches(topicId: number, partition: number, offset: number): Generator<StoredBatch> {
    const first = this.#list.findLastIndex((segment) => segment.startOf(topicId, partition) <= offset)
    for (const segment of this.#list.slice(Math.max(first, 0))) {
      yield* segment.batches(topicId, partition, offset)
    }
  }

  /** Begin a new segment; nothing is being written. It and its name are on disk when this resolves. */
  async roll(createdMs: number, starts: SegmentHeader['starts']): Promise<void> {
    const sequence = 1 + (this.#list.at(-1)?.header.sequence ?? 0)
    const path = join(this.#folder, `${String(sequence).padStart(20, '0')}.lmdb`)
    removeSegmentFile(path)
    const segment = await Segment.create(path, { format: 1, sequence, createdMs, starts })
    await syncPath(this.#folder)
    this.#list = [...this.#list, segment]
  }

  /** Forget the oldest segment, and remove its file. */
  async dropOldest(): Promise<void> {
    const [oldest, ...others] = this.#list
    this.#list = others
    await oldest?.drop()
  }

  async close(): Promise<void> {
    const list = this.#list
    this.#list = []
    await closeAll(list)
  }
}

function inOrder(segment: Segment, before: Segment | undefined): Segment {
  const expected = before ? before.header.sequence + 1 : segment.header.sequence
  if (segment.header.sequence === expected) return segment
  throw new PipelineError('LOG_DAMAGED', `segment ${expected} is missing before ${segment.path}`)
}

async function closeAll(segments: readonly Segment[]): Promise<void> {
  await Promise.allSettled(segments.map((segment) => segment.close()))
}
