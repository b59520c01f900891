import type { Header, ObjectStore } from '../core/index.ts'
import { PipelineError } from '../core/index.ts'
import type { Log } from '../log/index.ts'
import type { Epoch } from './epoch-log.ts'
import { LakeReader } from './lake-reader.ts'
import type { Landing } from './landing.ts'
import { readRange } from './log-reader.ts'

/** A record in its place: order everywhere is (epoch, place of the range in its entry, offset). */
export interface EpochRecord {
  epoch: number
  topic: string
  partition: number
  offset: number
  value: Buffer | null
  /** What only the log has; absent when read from the lake. */
  origin?: { key: Buffer | null; headers: readonly Header[]; timestampMs: number; appendTimeMs: number }
}

/** Reads the records of epochs, from the log or from the lake. */
export class EpochReader {
  readonly #log: Log
  readonly #lake: ObjectStore
  readonly #landing: Landing
  /** The land that was read last: epochs of one land follow one another. */
  #land: { epoch: number; reader: LakeReader } | undefined

  constructor(log: Log, lake: ObjectStore, landing: Landing) {
    this.#log = log
    this.#lake = lake
    this.#landing = landing
  }

  /**
   * The records of an epoch that lie in these topics, in order.
   *
   * @param from `log`: the log, where it still holds the whole range, else the lake; `lake`: the lake alone
   */
  async *read(epoch: Epoch, topics: ReadonlySet<string>, from: 'log' | 'lake'): AsyncGenerator<EpochRecord> {
    for (const range of epoch.ranges) {
      if (!topics.has(range.topic)) continue
      const { topic, partition } = range
      if (from === 'log' && this.#logHolds(topic, partition, range.from, range.to)) {
        for (const { offset, value, ...origin } of readRange(this.#log, range)) {
          const { key, headers, timestampMs, appendTimeMs } = origin
          yield {
            epoch: epoch.epoch,
            topic,
            partition,
            offset,
            value,
            origin: { key, headers, timestampMs, appendTimeMs },
          }
        }
      } else {
        let found = 0
        for await (const { offset, value } of (await this.#reader(epoch)).read(
          topic,
          partition,
          range.from,
          range.to,
        )) {
          found++
          yield { epoch: epoch.epoch, topic, partition, offset, value }
        }
        if (found !== range.count) {
          const place = `offsets ${range.from} to ${range.to - 1} of ${topic}/${partition}`
          throw new PipelineError(
            'LAKE_DAMAGED',
            `the lake holds ${found} records at ${place}, the epoch log says ${range.count}`,
          )
        }
      }
    }
  }

  #logHolds(topic: string, partition: number, from: number, to: number): boolean {
    if (!this.#log.topics().some(({ name, partitions }) => name === topic && partition < partitions))
      return false
    const { start, end } = this.#log.offsets(topic, partition)
    return start <= from && to <= end
  }

  async #reader(epoch: Epoch): Promise<LakeReader> {
    if (epoch.land === undefined) {
      throw new PipelineError(
        'LAKE_DAMAGED',
        `epoch ${epoch.epoch} has not landed, and the log no longer holds it`,
      )
    }
    if (this.#land?.epoch !== epoch.land) {
      this.#land = {
        epoch: epoch.land,
        reader: new LakeReader(this.#lake, await this.#landing.marker(epoch.land)),
      }
    }
    return this.#land.reader
  }
}
