import { type Clock, type LogRecord, type NewRecord, PipelineError } from '../../../src/core/index.ts'
import type { Append, Appended, Extent, Log, Partitioner, Topic } from '../../../src/log/index.ts'

interface Held {
  start: number
  records: LogRecord[]
}

/** A log in memory, of which every prefix can be dropped at once. */
export class MemoryLog implements Log {
  readonly id = 'log-in-memory'
  readonly #clock: Clock
  readonly #topics = new Map<string, Topic & { held: Held[] }>()
  #newestMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  topics(): Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  topic(name: string): Topic & { held: Held[] } {
    const topic = this.#topics.get(name)
    if (!topic) throw new RangeError(`no topic ${name}`)
    return topic
  }

  async createTopic(name: string, options: { partitions: number; partitioner: Partitioner }): Promise<Topic> {
    const held = Array.from({ length: options.partitions }, (): Held => ({ start: 0, records: [] }))
    const topic = { name, ...options, createdMs: this.#clock(), held }
    this.#topics.set(name, topic)
    return topic
  }

  endOf(topic: string, partition: number): number {
    const held = this.#topics.get(topic)?.held[partition]
    return held ? endOf(held) : 0
  }

  deleteTopic(): Promise<void> {
    throw new Error('nobody deletes a topic of a simulated log')
  }

  partitionFor(): number {
    return 0
  }

  async append(append: Append): Promise<Appended> {
    return this.add(append)
  }

  /** Append, at once. */
  add({ topic, partition, records }: Append): Appended {
    this.#newestMs = Math.max(this.#newestMs, this.#clock())
    const appendTimeMs = this.#newestMs
    const held = this.#held(topic, partition)
    const baseOffset = endOf(held)
    const place = { topic, partition, appendTimeMs }
    held.records.push(
      ...records.map(({ key, value, headers = [], timestampMs = appendTimeMs }: NewRecord, at) => {
        return { ...place, offset: baseOffset + at, key, value, headers, timestampMs }
      }),
    )
    return { baseOffset, appendTimeMs }
  }

  offsets(topic: string, partition: number): { start: number; end: number } {
    const held = this.#held(topic, partition)
    return { start: held.start, end: endOf(held) }
  }

  read(topic: string, partition: number, from: number, limit: { records: number; bytes: number }) {
    const { start, records } = this.#held(topic, partition)
    if (from < start)
      throw new PipelineError(
        'OFFSET_OUT_OF_RANGE',
        `${topic}/${partition} begins at ${start}, not at ${from}`,
      )
    const found: LogRecord[] = []
    let bytes = 0
    for (const record of records.slice(from - start, from - start + limit.records)) {
      bytes += bytesOf(record)
      if (found.length > 0 && bytes > limit.bytes) break
      found.push(record)
    }
    return found
  }

  extent(
    topic: string,
    partition: number,
    from: number,
    limit: { records: number; bytes: number },
  ): Extent | undefined {
    const found = this.read(topic, partition, from, limit)
    const [first] = found
    if (!first) return undefined
    const bytes = found.reduce((sum, record) => sum + bytesOf(record), 0)
    return { to: from + found.length, count: found.length, bytes, oldestMs: first.appendTimeMs }
  }

  offsetAt(): number {
    throw new Error('nobody asks a simulated log for a time')
  }

  onAppend(): () => void {
    return () => undefined
  }

  /** Drop all that need not be kept. */
  async retain(keepFrom: (topic: string, partition: number) => number): Promise<void> {
    for (const { name, held } of this.#topics.values()) {
      for (const [partition, part] of held.entries()) {
        const start = Math.max(part.start, Math.min(keepFrom(name, partition), endOf(part)))
        part.records.splice(0, start - part.start)
        part.start = start
      }
    }
  }

  async close(): Promise<void> {}

  #held(topic: string, partition: number): Held {
    const held = this.topic(topic).held[partition]
    if (!held) throw new RangeError(`no partition ${topic}/${partition}`)
    return held
  }
}

function endOf({ start, records }: Held): number {
  return start + records.length
}

function bytesOf({ key, value }: LogRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
