/**
 * The segments of a log in order, files `<20 digits>.lmdb` of one folder; batches are put into the newest. Sequence
 * numbers rise by one from file to file, and a batch of a topic partition is never in an older segment than the batch
 * before it.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { messageOf, PipelineError, syncPath } from '../../core/index.ts'
import { Segment, type SegmentHeader, type StoredBatch } from './segment.ts'
import { removeSegmentFile } from './segment-file.ts'

export class Segments {
  readonly #folder: string
  #list: readonly Segment[]
  /** File of a segment that was forgotten, while it may still be there. */
  #dropped: string | undefined

  private constructor(folder: string, list: readonly Segment[]) {
    this.#folder = folder
    this.#list = list
  }

  /**
   * Open the segments of a folder; there may be none.
   *
   * @param used the newest that batches may have been put into, 0 for none: it must be there
   * @throws LOG_DAMAGED
   */
  static async open(folder: string, used: number): Promise<Segments> {
    if (mkdirSync(folder, { recursive: true }) !== undefined) await syncPath(join(folder, '..'))
    const names = readdirSync(folder).filter((name) => name.endsWith('.lmdb'))
    const list: Segment[] = []
    try {
      const paths = names.sort().map((name) => join(folder, name))
      const newest = openNewest(paths, used)
      for (const path of paths.slice(0, -1)) list.push(inOrder(Segment.openSealed(path), list.at(-1)))
      if (newest) list.push(newest)
      if (newest) inOrder(newest, list.at(-2))
      if ((newest?.header.sequence ?? 0) < used)
        throw new PipelineError('LOG_DAMAGED', `segment ${used} is missing in ${folder}`)
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

  /** When the segment after the oldest was made at the latest: the clock may have been ahead when it was. */
  get secondMadeMs(): number {
    return Math.min(...this.#list.slice(1).map(({ header }) => header.createdMs))
  }

  /** The first offset of a partition that may be here. */
  startOf(topicId: number, partition: number): number {
    return this.#list[0]?.startOf(topicId, partition) ?? 0
  }

  /** The batches of a partition in order, from the one that holds an offset, or the next one. */
  *batches(topicId: number, partition: number, offset: number): Generator<StoredBatch> {
    const first = this.#list.findLastIndex((segment) => segment.startOf(topicId, partition) <= offset)
    for (const segment of this.#list.slice(Math.max(first, 0))) {
      yield* segment.batches(topicId, partition, offset)
    }
  }

  /**
   * Begin a new segment; nothing is being written. It and its name are on disk when this resolves.
   *
   * @param whenMade called with its number once they are; the segment is not used when it fails
   */
  async roll(
    createdMs: number,
    starts: SegmentHeader['starts'],
    whenMade: (sequence: number) => Promise<void>,
  ): Promise<void> {
    const sequence = 1 + (this.#list.at(-1)?.header.sequence ?? 0)
    const path = join(this.#folder, `${String(sequence).padStart(20, '0')}.lmdb`)
    removeSegmentFile(path)
    const segment = await Segment.create(path, { format: 1, sequence, createdMs, starts })
    try {
      await syncPath(this.#folder)
      await whenMade(sequence)
    } catch (error) {
      await segment.close()
      throw error
    }
    this.#list = [...this.#list, segment]
  }

  /**
   * Forget the oldest segment, and remove its file.
   *
   * @throws STORE_FAILED when the file stays; the next call removes it first
   */
  async dropOldest(): Promise<void> {
    await this.#removeDropped()
    const [oldest, ...others] = this.#list
    if (!oldest) return
    this.#list = others
    await oldest.close()
    this.#dropped = oldest.path
    await this.#removeDropped()
  }

  /** A file that stays while later ones go would leave a gap, with which no log opens: one after the other. */
  async #removeDropped(): Promise<void> {
    const path = this.#dropped
    if (path === undefined) return
    try {
      removeSegmentFile(path)
      await syncPath(this.#folder)
    } catch (error) {
      const message = `the segment ${path} is no longer needed, but stays: ${messageOf(error)}`
      throw new PipelineError('STORE_FAILED', message, { cause: error })
    }
    this.#dropped = undefined
  }

  async close(): Promise<void> {
    const list = this.#list
    this.#list = []
    await closeAll(list)
  }
}

/**
 * The newest segment; a file after it whose making was cut off is removed, also from `paths`.
 *
 * @throws LOG_DAMAGED where that file had been used
 */
function openNewest(paths: string[], used: number): Segment | undefined {
  const path = paths.at(-1)
  if (path === undefined) return undefined
  const newest = Segment.openNewest(path)
  if (newest) return newest
  if (Number(basename(path, '.lmdb')) <= used)
    throw new PipelineError('LOG_DAMAGED', `there is nothing in segment ${path}, and it has been written to`)
  removeSegmentFile(path)
  paths.pop()
  const before = paths.at(-1)
  return before === undefined ? undefined : (Segment.openNewest(before) ?? Segment.openSealed(before))
}

function inOrder(segment: Segment, before: Segment | undefined): Segment {
  const expected = before ? before.header.sequence + 1 : segment.header.sequence
  if (segment.header.sequence === expected) return segment
  throw new PipelineError('LOG_DAMAGED', `segment ${expected} is missing before ${segment.path}`)
}

async function closeAll(segments: readonly Segment[]): Promise<void> {
  await Promise.allSettled(segments.map((segment) => segment.close()))
}
