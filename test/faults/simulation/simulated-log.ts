import { join } from 'node:path'
import type { Clock } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'
import type { Append } from '../../../src/log/log.ts'
import { topics } from '../../model/things.ts'
import { Broken } from '../campaign.ts'
import { MemoryLog } from './memory-log.ts'
import type { Life, Scheduler } from './scheduler.ts'

/** The log of a simulation, and what its sender was told. */
export class SimulatedLog {
  readonly log: MemoryLog | EmbeddedLog
  /** Every value by its place, as the log had it when it came. */
  readonly values = new Map<string, (Buffer | null)[]>()
  #scheduler: Scheduler
  acknowledged = 0

  private constructor(log: MemoryLog | EmbeddedLog, scheduler: Scheduler) {
    this.log = log
    this.#scheduler = scheduler
  }

  /** @param folder of a log on disk; undefined for one in memory */
  static async open(scheduler: Scheduler, clock: Clock, partitions: number, folder: string | undefined) {
    const options = { recordBytesMax: 100_000, segmentBytes: 1, segmentAgeMs: 1e12, freeBytesMin: 0, clock }
    const log = folder ? await EmbeddedLog.open(join(folder, 'log'), options) : new MemoryLog(clock)
    for (const name of topics) await log.createTopic(name, { partitions, partitioner: 'kafka' })
    return new SimulatedLog(log, scheduler)
  }

  /** Append as a sender does, once. @throws Broken when what was acknowledged is not there */
  async send(
    life: Life,
    topic: string,
    partition: number,
    values: readonly (Buffer | null)[],
  ): Promise<void> {
    const records = values.map((value, at) => ({ key: Buffer.from([at]), value }))
    const append: Append = { topic, partition, records }
    const act = () => {
      if (this.log instanceof MemoryLog) this.log.add(append)
      this.#remember(topic, partition, values)
    }
    const { log } = this
    const from = log.offsets(topic, partition).end
    await this.#scheduler.call<void>(life, { kind: 'append', key: `${topic}/${partition}`, act })
    if (log instanceof EmbeddedLog) await log.append(append)
    const read = log.read(topic, partition, from, { records: values.length, bytes: 1e9 })
    const kept = values.every((value, at) => sameBytes(value, read[at]?.value))
    if (!kept) throw new Broken(`what ${topic}/${partition} acknowledged is not in the log`, { lost: 1 })
    this.acknowledged += values.length
  }

  async retain(keepFrom: (topic: string, partition: number) => number): Promise<void> {
    if (this.log instanceof MemoryLog) await this.log.retain(keepFrom)
    else await this.log.retain({ ageMs: -1, bytesMax: null }, keepFrom)
  }

  #remember(topic: string, partition: number, values: readonly (Buffer | null)[]): void {
    const key = `${topic}/${partition}`
    this.values.set(key, [...(this.values.get(key) ?? []), ...values])
  }
}

export function sameBytes(a: Buffer | null, b: Buffer | null | undefined): boolean {
  return a === null || b === null || b === undefined ? a === b : a.equals(b)
}
