import { type Clock, systemClock } from '../core/index.ts'
import type { Extent, Log } from '../log/index.ts'
import type { Gap, Take } from './entry.ts'
import type { EpochLog } from './epoch-log.ts'

export interface SequencerOptions {
  /** Patterns of topics that are taken; `*` stands for any characters. */
  topics: readonly string[]
  /** A take is written when the oldest record waits this long, or so much waits; it holds at most about as much. */
  take: { ageMs: number; recordsMax: number; bytesMax: number }
  /** A land is written when the oldest open take is this old, or so much is open, or a topic partition is at flushSize. */
  land: { ageMs: number; bytesMax: number; flushSize: number }
  clock?: Clock
}

interface Waiting extends Extent {
  topic: string
  partition: number
  from: number
}

/** Decides what is processed together: writes takes and lands into the epoch log. Holds no state of its own. */
export class Sequencer {
  readonly #log: Log
  readonly #epochs: EpochLog
  readonly #options: SequencerOptions
  readonly #clock: Clock
  /** Whether a topic is taken at all. */
  readonly takes: (topic: string) => boolean

  constructor(log: Log, epochs: EpochLog, options: SequencerOptions) {
    this.#log = log
    this.#epochs = epochs
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.takes = topicMatcher(options.topics)
  }

  /**
   * Enter at most one take and one land, if they are due.
   *
   * @param now enter what waits, however young and little it is
   * @returns whether anything was entered: then more may be due
   */
  async step(now = false): Promise<boolean> {
    const took = await this.#takeIfDue(now)
    const landed = await this.#landIfDue(now && !took)
    return took || landed
  }

  *#partitions(): Generator<{ topic: string; partition: number; from: number }> {
    for (const { name: topic, partitions } of this.#log.topics()) {
      if (!this.takes(topic)) continue
      for (let partition = 0; partition < partitions; partition++) {
        yield { topic, partition, from: this.#epochs.position(topic, partition) }
      }
    }
  }

  /** What the log let go of while its topic was not taken. */
  #lost(): Gap[] {
    const lost: Gap[] = []
    for (const { topic, partition, from } of this.#partitions()) {
      const to = this.#log.offsets(topic, partition).start
      const why = 'the log no longer held it when it was to be taken'
      if (to > from) lost.push({ topic, partition, from, to, count: to - from, kind: 'lost', why })
    }
    return lost
  }

  /** Topic partitions with records beyond their position, the longest waiting first. */
  #waiting(): Waiting[] {
    const { recordsMax, bytesMax } = this.#options.take
    const waiting: Waiting[] = []
    for (const { topic, partition, from } of this.#partitions()) {
      if (this.#log.offsets(topic, partition).end <= from) continue
      const extent = this.#log.extent(topic, partition, from, { records: recordsMax, bytes: bytesMax })
      if (extent) waiting.push({ topic, partition, from, ...extent })
    }
    return waiting.sort((a, b) => a.oldestMs - b.oldestMs)
  }

  async #takeIfDue(now: boolean): Promise<boolean> {
    const lost = this.#lost()
    if (lost.length > 0) {
      await this.#epochs.take(this.#log.id, [], lost)
      return true
    }
    const waiting = this.#waiting()
    const [oldest] = waiting
    if (!oldest) return false
    const { ageMs, recordsMax, bytesMax } = this.#options.take
    const age = this.#clock() - oldest.oldestMs
    // A clock that was set back would make records wait for ever: a negative age is due as well.
    const due =
      now ||
      age < 0 ||
      age >= ageMs ||
      sum(waiting, 'count') >= recordsMax ||
      sum(waiting, 'bytes') >= bytesMax
    if (!due) return false

    const taken: Waiting[] = []
    for (const extent of waiting) {
      const next = [...taken, extent]
      if (taken.length > 0 && (sum(next, 'count') > recordsMax || sum(next, 'bytes') > bytesMax)) break
      taken.push(extent)
    }
    const ranges = taken.map(({ topic, partition, from, to, count, bytes }) => ({
      topic,
      partition,
      from,
      to,
      count,
      bytes,
    }))
    await this.#epochs.take(this.#log.id, ranges)
    return true
  }

  async #landIfDue(now: boolean): Promise<boolean> {
    const open = this.#epochs.openTakes
    const [first] = open
    if (!first) return false
    const { ageMs, bytesMax, flushSize } = this.#options.land
    const age = this.#clock() - first.timeMs
    const bytes = open.reduce((total, take) => total + sum(take.ranges, 'bytes'), 0)
    if (!(now || age < 0 || age >= ageMs || bytes >= bytesMax || largestPartition(open) >= flushSize))
      return false
    await this.#epochs.land(this.#log.id, flushSize)
    return true
  }
}

/** Whether a topic fits one of these patterns; `*` stands for any characters. */
export function topicMatcher(patterns: readonly string[]): (topic: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${escaped.join('.*')}$`)
  })
  return (topic) => expressions.some((expression) => expression.test(topic))
}

function sum<K extends string>(items: readonly Record<K, number>[], member: K): number {
  return items.reduce((total, item) => total + item[member], 0)
}

function largestPartition(takes: readonly Take[]): number {
  const counts = new Map<string, number>()
  for (const { topic, partition, count } of takes.flatMap((take) => take.ranges)) {
    counts.set(`${topic}/${partition}`, count + (counts.get(`${topic}/${partition}`) ?? 0))
  }
  return Math.max(0, ...counts.values())
}
