/**
 * The sink: what a land entry names, from the log into raw objects.
 *
 *     <topics folder>/<topic>/partition=<n>/<topic>+<n>+<start offset, ten digits>.json
 *
 * one line a record (`line.ts`), a newline after each; names and form are the Kafka Connect S3 sink's. Boundaries
 * follow from the entry alone (a land's range of a topic partition, split every `flushSize` records and at offset
 * gaps), so that any worker writes the same object. The landed marker
 * `_pinflow/<pipeline>/landed/<20 digits>.json` is put last; below it every object is there.
 */
import { createHash } from 'node:crypto'
import { type ObjectStore, PipelineError } from '../core/index.ts'
import type { Log } from '../log/index.ts'
import { digits, type LandEntry } from './entry.ts'
import { lineOf } from './line.ts'
import { readRange } from './log-reader.ts'

export interface LandedObject {
  key: string
  topic: string
  partition: number
  /** Offsets `from` ≤ offset < `to`, one line each. */
  from: number
  to: number
  lines: number
  bytes: number
  sha256: string
}

/** The landed marker of a land entry. */
export interface LandedMarker {
  land: number
  objects: LandedObject[]
}

export class Landing {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #topicsFolder: string

  constructor(store: ObjectStore, pipeline: string, topicsFolder: string) {
    this.#store = store
    this.#prefix = `_pinflow/${pipeline}/landed/`
    this.#topicsFolder = topicsFolder
  }

  /** Number of the newest land whose marker is there; 0 when there is none. */
  async newest(): Promise<number> {
    const last = (await this.#store.list(this.#prefix)).at(-1)
    return last ? Number(last.key.slice(this.#prefix.length, -'.json'.length)) : 0
  }

  /** @throws LAKE_DAMAGED when there is none */
  async marker(land: number): Promise<LandedMarker> {
    const key = this.#key(land)
    const content = await this.#store.get(key)
    if (!content) throw new PipelineError('LAKE_DAMAGED', `the landed marker ${key} is missing`)
    try {
      return JSON.parse(content.toString()) as LandedMarker
    } catch (error) {
      throw new PipelineError('LAKE_DAMAGED', `the landed marker ${key} is not JSON`, { cause: error })
    }
  }

  /** Write the objects of a land, then its marker; done again it changes nothing. */
  async land(entry: LandEntry, log: Log): Promise<LandedMarker> {
    const objects: LandedObject[] = []
    for (const stretch of stretchesOf(entry)) {
      let open: OpenObject | undefined
      for (const record of readRange(log, stretch)) {
        if (open && (open.lines.length >= entry.flushSize || record.offset !== open.to)) {
          objects.push(await this.#put(open))
          open = undefined
        }
        open ??= {
          topic: stretch.topic,
          partition: stretch.partition,
          from: record.offset,
          to: record.offset,
          lines: [],
        }
        open.lines.push(lineOf(record.value))
        open.to = record.offset + 1
      }
      if (open) objects.push(await this.#put(open))
    }
    const marker: LandedMarker = { land: entry.epoch, objects }
    await this.#store.putIfAbsent(this.#key(entry.epoch), Buffer.from(`${JSON.stringify(marker)}\n`))
    return marker
  }

  async #put({ topic, partition, from, to, lines }: OpenObject): Promise<LandedObject> {
    const folder = this.#topicsFolder === '' ? topic : `${this.#topicsFolder}/${topic}`
    const key = `${folder}/partition=${partition}/${topic}+${partition}+${String(from).padStart(10, '0')}.json`
    const content = Buffer.concat(lines.flatMap((line) => [line, newline]))
    const sha256 = sha256Of(content)
    if (!(await this.#store.putIfAbsent(key, content))) {
      const present = await this.#store.get(key)
      if (!present || sha256Of(present) !== sha256) {
        throw new PipelineError(
          'LAKE_DAMAGED',
          `${key} exists with other contents than offsets ${from} to ${to - 1} of the log`,
        )
      }
    }
    return { key, topic, partition, from, to, lines: lines.length, bytes: content.length, sha256 }
  }

  #key(land: number): string {
    return `${this.#prefix}${digits(land)}.json`
  }
}

interface OpenObject {
  topic: string
  partition: number
  from: number
  to: number
  lines: Buffer[]
}

const newline = Buffer.from('\n')

export function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The ranges of a land joined by topic partition, where nothing lies between them; in order of first appearance. */
function stretchesOf(
  entry: LandEntry,
): { topic: string; partition: number; from: number; to: number; count: number }[] {
  const stretches = new Map<
    string,
    { topic: string; partition: number; from: number; to: number; count: number }[]
  >()
  for (const { topic, partition, from, to, count } of entry.takes.flatMap((take) => take.ranges)) {
    const key = `${topic}/${partition}`
    const known = stretches.get(key) ?? []
    const last = known.at(-1)
    if (last?.to === from) {
      last.to = to
      last.count += count
    } else known.push({ topic, partition, from, to, count })
    stretches.set(key, known)
  }
  return [...stretches.values()].flat()
}
