/**
 * The sink: what a land entry names, from the log into raw objects.
 *
 *     <topics folder>/<topic>/partition=<n>/<topic>+<n>+<start offset, ten digits>.json
 *
 * one line a record (`line.ts`), a newline after each; names and form are the Kafka Connect S3 sink's (a topic too long
 * for a file name is cut short there, with a `~` after it; its folder has it whole). Boundaries
 * follow from the entry and the records alone (a land's range of a topic partition, split every `flushSize` records, at
 * offset gaps, and where an object would be larger than 8 MiB), so that any worker writes the same object. The landed marker
 * `_pinflow/<pipeline>/landed/<20 digits>.json` is put last; below it every object is there.
 */
import { createHash } from 'node:crypto'
import {
  type LogRecord,
  messageOf,
  type ObjectStore,
  openSealedJson,
  PipelineError,
  type Place,
  sealJson,
} from '../core/index.ts'
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

/** Where the line of a record is, from 1 on; undefined where no object has it. */
export function lineAt(
  { objects }: LandedMarker,
  { topic, partition, offset }: Place,
): { key: string; line: number } | undefined {
  const object = objects.find(
    (one) => one.topic === topic && one.partition === partition && one.from <= offset && offset < one.to,
  )
  return object && { key: object.key, line: offset - object.from + 1 }
}

export class Landing {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #aside: string
  readonly #topicsFolder: string

  constructor(store: ObjectStore, pipeline: string, topicsFolder: string) {
    this.#store = store
    this.#prefix = `_pinflow/${pipeline}/landed/`
    this.#aside = `_pinflow/${pipeline}/set-aside/`
    this.#topicsFolder = topicsFolder
  }

  /** Number of the newest land whose marker is there; 0 when there is none. */
  async newest(): Promise<number> {
    const last = (await this.#store.list(this.#prefix)).at(-1)
    return last ? this.#landOf(last.key) : 0
  }

  /** Numbers of the lands whose markers are there, rising. */
  async lands(): Promise<number[]> {
    return (await this.#store.list(this.#prefix)).map(({ key }) => this.#landOf(key))
  }

  #landOf(key: string): number {
    const number = Number(/^(\d{20})\.json$/.exec(key.slice(this.#prefix.length))?.[1])
    if (Number.isSafeInteger(number)) return number
    throw new PipelineError('LAKE_DAMAGED', `${key} is no landed marker`)
  }

  /** @throws LAKE_DAMAGED when there is none */
  async marker(land: number): Promise<LandedMarker> {
    const key = this.#key(land)
    const content = await this.#store.get(key)
    if (!content) throw new PipelineError('LAKE_DAMAGED', `the landed marker ${key} is missing`)
    try {
      const marker = openSealedJson(content) as LandedMarker
      if (marker.land === land && Array.isArray(marker.objects)) return marker
      throw new Error(`it is none of land ${land}`)
    } catch (error) {
      throw new PipelineError('LAKE_DAMAGED', `the landed marker ${key}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /**
   * Write the objects of a land, then its marker; done again it changes nothing.
   *
   * @throws LAKE_DAMAGED when one of them exists with other contents
   */
  async land(entry: LandEntry, log: Log): Promise<LandedMarker> {
    try {
      return await this.#land(entry, log)
    } catch (error) {
      const gone = error instanceof PipelineError && error.code === 'OFFSET_OUT_OF_RANGE'
      // Once another worker has landed it, the log need not hold it any more.
      if (gone && (await this.newest()) >= entry.epoch) return this.marker(entry.epoch)
      throw error
    }
  }

  /**
   * Take the objects of a topic partition that begin at an offset or after it out of the topics, to
   * `_pinflow/<pipeline>/set-aside/<number>/<key>`. No marker names them; done again it changes nothing.
   */
  async setAside(number: number, place: { topic: string; partition: number; from: number }): Promise<void> {
    for (const { key } of await this.#store.list(this.#folder(place))) {
      const from = Number(/\+(\d+)\.json$/.exec(key)?.[1])
      if (!(from >= place.from)) continue
      const content = await this.#store.get(key)
      if (content) await this.#putSame(`${this.#aside}${digits(number)}/${key}`, content, key)
      await this.#store.delete(key)
    }
  }

  async #land(entry: LandEntry, log: Log): Promise<LandedMarker> {
    const objects: LandedObject[] = []
    for (const stretch of stretchesOf(entry)) {
      let open: OpenObject | undefined
      for (const record of recordsOf(log, stretch)) {
        const line = lineOf(record.value)
        if (open && isFull(open, entry.flushSize, record.offset, line)) {
          objects.push(await this.#put(open))
          open = undefined
        }
        open ??= {
          topic: stretch.topic,
          partition: stretch.partition,
          from: record.offset,
          to: record.offset,
          lines: [],
          bytes: 0,
        }
        open.lines.push(line)
        open.bytes += line.length + newline.length
        open.to = record.offset + 1
      }
      if (open) objects.push(await this.#put(open))
    }
    const marker: LandedMarker = { land: entry.epoch, objects }
    const key = this.#key(entry.epoch)
    const content = sealJson(marker)
    await this.#putSame(key, content, `land ${entry.epoch}`)
    return marker
  }

  async #put({ topic, partition, from, to, lines }: OpenObject): Promise<LandedObject> {
    const key = `${this.#folder({ topic, partition })}${fileName(topic, partition, from)}`
    const content = Buffer.concat(lines.flatMap((line) => [line, newline]))
    await this.#putSame(key, content, `offsets ${from} to ${to - 1} of the log`)
    const sha256 = sha256Of(content)
    return { key, topic, partition, from, to, lines: lines.length, bytes: content.length, sha256 }
  }

  async #putSame(key: string, content: Buffer, what: string): Promise<void> {
    if (await this.#store.putIfAbsent(key, content)) return
    const present = await this.#store.get(key)
    if (present?.equals(content)) return
    throw new PipelineError('LAKE_DAMAGED', `${key} exists with other contents than ${what}`)
  }

  #folder({ topic, partition }: { topic: string; partition: number }): string {
    const folder = this.#topicsFolder === '' ? topic : `${this.#topicsFolder}/${topic}`
    return `${folder}/partition=${partition}/`
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
  bytes: number
}

const newline = Buffer.from('\n')
/**
 * An object of more than one line is no larger: who writes or reads one has it in memory. Part of the format: another
 * number would give a land that was half done other objects.
 */
const objectBytesMax = 8 * 2 ** 20
/** What file systems allow. */
const fileNameBytesMax = 255

function isFull({ lines, bytes, to }: OpenObject, flushSize: number, offset: number, line: Buffer): boolean {
  return lines.length >= flushSize || offset !== to || bytes + line.length + newline.length > objectBytesMax
}

function* recordsOf(log: Log, stretch: Parameters<typeof readRange>[1]): Generator<LogRecord> {
  for (const records of readRange(log, stretch)) yield* records
}

function fileName(topic: string, partition: number, from: number): string {
  const rest = `+${partition}+${String(from).padStart(10, '0')}.json`
  const room = fileNameBytesMax - rest.length
  return (topic.length <= room ? topic : `${topic.slice(0, room - 1)}~`) + rest
}

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
