import type { Header, LogRecord, ObjectStore } from '../core/index.ts'
import { PipelineError } from '../core/index.ts'
import type { Log } from '../log/index.ts'
import type { Range } from './entry.ts'
import type { Epoch, EpochLog } from './epoch-log.ts'
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

export interface EpochReaderParts {
  log: Log
  lake: ObjectStore
  landing: Landing
  epochs: EpochLog
}

/** Reads the records of epochs, from the log or from the lake. */
export class EpochReader {
  readonly #log: Log
  readonly #lake: ObjectStore
  readonly #landing: Landing
  readonly #epochs: EpochLog
  /** The land that was read last: epochs of one land follow one another. */
  #land: { epoch: number; reader: LakeReader } | undefined

  constructor({ log, lake, landing, epochs }: EpochReaderParts) {
    this.#log = log
    this.#lake = lake
    this.#landing = landing
    this.#epochs = epochs
  }

  /**
   * The records of an epoch that lie in these topics, in order, piece by piece: none is kept in memory.
   *
   * @param from `log`: the log, where it still holds the whole range, else the lake; `lake`: the lake alone
   */
  async *read(
    epoch: Epoch,
    topics: ReadonlySet<string>,
    from: 'log' | 'lake',
  ): AsyncGenerator<EpochRecord[]> {
    for (const range of epoch.ranges) {
      if (!topics.has(range.topic)) continue
      let next = range.from
      let found = 0
      if (from === 'log' && this.#logHolds(range)) {
        try {
          for (const records of readRange(this.#log, range)) {
            next = (records.at(-1)?.offset ?? next) + 1
            found += records.length
            yield records.map((record) => ofLog(epoch.epoch, record))
          }
          continue
        } catch (error) {
          if (!isGone(error, epoch)) throw error
        }
      }
      const { topic, partition } = range
      const reader = await this.#reader(epoch)
      for await (const lines of reader.read(topic, partition, next, range.to)) {
        found += lines.length
        yield lines.map(({ offset, value }) => ({ epoch: epoch.epoch, topic, partition, offset, value }))
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

  #logHolds({ topic, partition, from, to }: Range): boolean {
    if (!this.#log.topics().some(({ name, partitions }) => name === topic && partition < partitions))
      return false
    const { start, end } = this.#log.offsets(topic, partition)
    return start <= from && to <= end
  }

  async #reader(epoch: Epoch): Promise<LakeReader> {
    const land = epoch.land ?? (await this.#landSince(epoch))
    if (land === undefined)
      throw new PipelineError(
        'LAKE_DAMAGED',
        `epoch ${epoch.epoch} has not landed, and the log no longer holds it`,
      )
    if (this.#land?.epoch !== land)
      this.#land = { epoch: land, reader: new LakeReader(this.#lake, await this.#landing.marker(land)) }
    return this.#land.reader
  }

  /** The land of an epoch that was open when it was told: another worker may have landed it, and the log let go of it. */
  async #landSince({ epoch }: Epoch): Promise<number | undefined> {
    await this.#epochs.refresh()
    for await (const known of this.#epochs.epochsAfter(epoch - 1)) return known.land
    return undefined
  }
}

function ofLog(epoch: number, record: LogRecord): EpochRecord {
  const { topic, partition, offset, value, key, headers, timestampMs, appendTimeMs } = record
  return { epoch, topic, partition, offset, value, origin: { key, headers, timestampMs, appendTimeMs } }
}

/**
 * Whether what has landed is to be read from the lake: the log has let go of it meanwhile, or was adopted in the place
 * of one that held it.
 */
function isGone(error: unknown, { land }: Epoch): boolean {
  if (!(error instanceof PipelineError)) return false
  if (error.code === 'EPOCHS_DAMAGED') return land !== undefined
  return ['OFFSET_OUT_OF_RANGE', 'TOPIC_UNKNOWN', 'PARTITION_UNKNOWN'].includes(error.code)
}
