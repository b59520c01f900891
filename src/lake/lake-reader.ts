import { type ObjectStore, PipelineError } from '../core/index.ts'
import type { LandedMarker, LandedObject } from './landing.ts'
import { sha256Of } from './landing.ts'
import { valueIn } from './line.ts'

interface LoadedObject {
  object: LandedObject
  content: Buffer
  /** Offset of the next line, and where it begins. */
  offset: number
  at: number
}

interface Line {
  offset: number
  value: Buffer | null
}

/** What is given out at once, about. */
const piece = { records: 1_000, bytes: 2 ** 20 }
/** Objects in memory, about: beside the one that is read, those of other topic partitions that are soon gone on with. */
const loadedBytesMax = 16 * 2 ** 20

/**
 * Reads ranges of one land from its raw objects. Ranges of a topic partition are asked for in rising order, so one
 * object of each is in memory at a time, until its last line, and while all of them are few bytes.
 */
export class LakeReader {
  readonly #store: ObjectStore
  readonly #objects = new Map<string, LandedObject[]>()
  /** By topic partition, the one read last at the end. */
  readonly #loaded = new Map<string, LoadedObject>()

  constructor(store: ObjectStore, marker: LandedMarker) {
    this.#store = store
    for (const object of marker.objects) {
      const key = `${object.topic}/${object.partition}`
      this.#objects.set(key, [...(this.#objects.get(key) ?? []), object])
    }
  }

  /**
   * Offsets and values of a range, in order, piece by piece.
   *
   * @throws LAKE_DAMAGED when an object is missing or is not what the marker says
   */
  async *read(topic: string, partition: number, from: number, to: number): AsyncGenerator<Line[]> {
    const key = `${topic}/${partition}`
    for (const object of this.#objects.get(key) ?? []) {
      if (object.to <= from || object.from >= to) continue
      const loaded = await this.#load(key, object, from)
      while (loaded.offset < Math.min(object.to, to)) {
        const lines = nextLines(loaded, from, Math.min(object.to, to))
        if (lines.length > 0) yield lines
      }
      if (loaded.offset === object.to) this.#loaded.delete(key)
    }
  }

  async #load(key: string, object: LandedObject, from: number): Promise<LoadedObject> {
    const present = this.#loaded.get(key)
    this.#loaded.delete(key)
    if (present?.object === object) {
      this.#loaded.set(key, present)
      // Work that lost a race is done again, from an earlier line.
      if (present.offset > from) Object.assign(present, { offset: object.from, at: 0 })
      return present
    }
    const content = await this.#store.get(object.key)
    if (!content) throw new PipelineError('LAKE_DAMAGED', `the raw object ${object.key} is missing`)
    if (sha256Of(content) !== object.sha256) {
      throw new PipelineError(
        'LAKE_DAMAGED',
        `the raw object ${object.key} does not match the checksum in its landed marker`,
      )
    }
    const loaded = { object, content, offset: object.from, at: 0 }
    this.#loaded.set(key, loaded)
    this.#forget()
    return loaded
  }

  /** Let go of what was read longest ago, while there is too much. */
  #forget(): void {
    let bytes = [...this.#loaded.values()].reduce((sum, { content }) => sum + content.length, 0)
    for (const [key, { content }] of this.#loaded) {
      if (bytes <= loadedBytesMax || this.#loaded.size === 1) return
      this.#loaded.delete(key)
      bytes -= content.length
    }
  }
}

/** The next lines of an object, from the offset `from` on; at least one is passed. */
function nextLines(loaded: LoadedObject, from: number, to: number): Line[] {
  const { object, content } = loaded
  const lines: Line[] = []
  let bytes = 0
  while (loaded.offset < to && lines.length < piece.records && bytes < piece.bytes) {
    const end = content.indexOf(0x0a, loaded.at)
    if (end < 0) throw new PipelineError('LAKE_DAMAGED', `the raw object ${object.key} has too few lines`)
    if (loaded.offset >= from) {
      lines.push({ offset: loaded.offset, value: valueIn(content.subarray(loaded.at, end)) })
      bytes += end - loaded.at
    }
    loaded.at = end + 1
    loaded.offset++
  }
  return lines
}
