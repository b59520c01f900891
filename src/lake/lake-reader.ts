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

/**
 * Reads ranges of one land from its raw objects. Ranges of a topic partition are asked for in rising order, so one
 * object of each is in memory at a time.
 */
export class LakeReader {
  readonly #store: ObjectStore
  readonly #objects = new Map<string, LandedObject[]>()
  readonly #loaded = new Map<string, LoadedObject>()

  constructor(store: ObjectStore, marker: LandedMarker) {
    this.#store = store
    for (const object of marker.objects) {
      const key = `${object.topic}/${object.partition}`
      this.#objects.set(key, [...(this.#objects.get(key) ?? []), object])
    }
  }

  /**
   * Offsets and values of a range, in order.
   *
   * @throws LAKE_DAMAGED when an object is missing or is not what the marker says
   */
  async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
  ): AsyncGenerator<{ offset: number; value: Buffer | null }> {
    const key = `${topic}/${partition}`
    for (const object of this.#objects.get(key) ?? []) {
      if (object.to <= from || object.from >= to) continue
      const loaded = await this.#load(key, object, from)
      while (loaded.offset < Math.min(object.to, to)) {
        const end = loaded.content.indexOf(0x0a, loaded.at)
        if (end < 0) throw new PipelineError('LAKE_DAMAGED', `the raw object ${object.key} has too few lines`)
        if (loaded.offset >= from) {
          yield { offset: loaded.offset, value: valueIn(loaded.content.subarray(loaded.at, end)) }
        }
        loaded.at = end + 1
        loaded.offset++
      }
    }
  }

  async #load(key: string, object: LandedObject, from: number): Promise<LoadedObject> {
    const present = this.#loaded.get(key)
    if (present?.object === object) {
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
    return loaded
  }
}
