/**
 * The epoch log of a pipeline: what is processed together, decided once. Entries are numbered from 1 without gaps;
 * takes below the last land but one may be deleted, for every land repeats its takes.
 *
 * Any number of workers may write: putting an entry if absent is the decision, and the loser reads again. A worker
 * whose number lies at or below the newest land (it slept while takes were deleted) drops its entry.
 */
import { randomUUID } from 'node:crypto'
import { type Clock, type ObjectStore, PipelineError, systemClock } from '../core/index.ts'
import {
  digits,
  type End,
  type Entry,
  encodeEntry,
  type Gap,
  type LandEntry,
  parseEntry,
  type Range,
  type Take,
} from './entry.ts'

/** A take, and the land that repeats it once there is one. */
export interface Epoch extends Take {
  land?: number
}

const takeKeptMs = 3_600_000

export class EpochLog {
  readonly id: string
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #clock: Clock
  /** Lands in memory, the newest last; older ones are read from the store. */
  #lands: LandEntry[] = []
  #openTakes: Take[] = []
  #newest = 0
  #logId: string | undefined
  readonly #ends = new Map<string, End>()
  #voids: Gap[] = []

  private constructor(store: ObjectStore, prefix: string, id: string, clock: Clock) {
    this.#store = store
    this.#prefix = prefix
    this.id = id
    this.#clock = clock
  }

  /** Open a pipeline's epoch log in a lake, or begin it. @throws EPOCHS_DAMAGED */
  static async open(store: ObjectStore, pipeline: string, clock: Clock = systemClock): Promise<EpochLog> {
    const prefix = `_pinflow/${pipeline}/epochs/`
    const origin: Entry = { kind: 'origin', format: 1, id: randomUUID(), timeMs: clock() }
    const key = `${prefix}${digits(0)}.json`
    const first = await store.get(key)
    if (!first) {
      const others = await store.list(prefix)
      if (others.length > 0)
        throw new PipelineError('EPOCHS_DAMAGED', `${key} is missing, but ${others[0]?.key} exists`)
      await store.putIfAbsent(key, encodeEntry(origin))
    }
    const stored = parseEntry(key, 0, first ?? (await store.get(key)) ?? Buffer.alloc(0))
    if (stored.kind !== 'origin') throw new PipelineError('EPOCHS_DAMAGED', `${key} is no origin`)
    const log = new EpochLog(store, prefix, stored.id, clock)
    await log.#load()
    return log
  }

  /** Number of the newest entry; 0 when there is none but the origin. */
  get newest(): number {
    return this.#newest
  }

  /** Number of the newest land; 0 when there is none. */
  get newestLand(): number {
    return this.#lands.at(-1)?.epoch ?? 0
  }

  /** The log that the newest entry is of. */
  get logId(): string | undefined {
    return this.#logId
  }

  /** Takes since the newest land, in order. */
  get openTakes(): readonly Take[] {
    return this.#openTakes.map((take) => this.#withoutVoid(take))
  }

  /** How far each topic partition has been taken, and what that was, in order of topic and partition. */
  ends(): End[] {
    return [...this.#ends.values()].sort((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
    )
  }

  /** The offset the next take of a topic partition begins at. */
  position(topic: string, partition: number): number {
    return this.#ends.get(`${topic}/${partition}`)?.to ?? 0
  }

  /** Enter a take. @returns its epoch; undefined when another worker was first: look again */
  take(logId: string, ranges: Range[], gaps: Gap[] = []): Promise<number | undefined> {
    const epoch = this.#newest + 1
    const take = { epoch, timeMs: this.#clock(), ranges, ...(gaps.length > 0 && { gaps }) }
    return this.#append({ kind: 'take', logId, ...take })
  }

  /** Enter a land of every open take. @returns its epoch; undefined when another worker was first: look again */
  land(logId: string, flushSize: number): Promise<number | undefined> {
    return this.#append({
      kind: 'land',
      epoch: this.#newest + 1,
      timeMs: this.#clock(),
      logId,
      flushSize,
      takes: this.#openTakes,
      ends: this.ends(),
      voids: this.#voids,
    })
  }

  /** Read what other workers have entered. */
  async refresh(): Promise<void> {
    for (;;) {
      const entry = await this.#read(this.#newest + 1)
      if (!entry) return
      this.#apply(entry)
    }
  }

  /** A land's entry. @throws EPOCHS_DAMAGED when there is none of that number */
  async landEntry(epoch: number): Promise<LandEntry> {
    const known = this.#lands.find((land) => land.epoch === epoch)
    const entry = known ?? (await this.#read(epoch))
    if (entry?.kind === 'land') return { ...entry, takes: entry.takes.map((take) => this.#withoutVoid(take)) }
    throw new PipelineError('EPOCHS_DAMAGED', `entry ${epoch} under ${this.#prefix} is no land`)
  }

  /** The newest land that is not above `epoch`, with its ends, as far as this log remembers (64 lands). */
  landBefore(epoch: number): Pick<LandEntry, 'epoch' | 'ends'> | undefined {
    return this.#lands.findLast((land) => land.epoch <= epoch)
  }

  /** Numbers of all lands above `after`, in order, as far as this log has read. */
  async landsAfter(after: number): Promise<number[]> {
    const first = this.#lands[0]
    if (first && first.epoch <= after + 1) {
      return this.#lands.map((land) => land.epoch).filter((epoch) => epoch > after)
    }
    const found: number[] = []
    for await (const land of this.#storedLands(after)) found.push(land.epoch)
    return found
  }

  /** Takes above `after` in order, each with its land; those not landed yet last. */
  async *epochsAfter(after: number): AsyncGenerator<Epoch> {
    const [first] = this.#lands
    const remembered = !first || (first.takes[0]?.epoch ?? first.epoch) <= after + 1
    const lands = remembered ? [...this.#lands] : this.#storedLands(after)
    const open = this.openTakes
    for await (const land of lands) {
      for (const take of land.takes) if (take.epoch > after) yield { ...this.#withoutVoid(take), land: land.epoch }
    }
    for (const take of open) if (take.epoch > after) yield take
  }

  /** Delete takes that a land before the newest repeats, an hour after it. @returns how many */
  async deleteOldTakes(): Promise<number> {
    const previous = this.#lands.at(-2)
    if (!previous) return 0
    let deleted = 0
    for (const { key, modifiedMs } of await this.#store.list(this.#prefix)) {
      const epoch = epochOf(this.#prefix, key)
      if (epoch >= previous.epoch) break
      if (epoch === 0 || modifiedMs > this.#clock() - takeKeptMs) continue
      if ((await this.#read(epoch))?.kind !== 'take') continue
      await this.#store.delete(key)
      deleted++
    }
    return deleted
  }

  async #append(entry: Exclude<Entry, { kind: 'origin' }>): Promise<number | undefined> {
    const put = await this.#store.putIfAbsent(this.#key(entry.epoch), encodeEntry(entry))
    if (!put) {
      await this.refresh()
      return undefined
    }
    const later = await this.#store.list(this.#prefix, this.#key(entry.epoch))
    for (const { key } of later) {
      const beyond = await this.#read(epochOf(this.#prefix, key))
      if (beyond?.kind !== 'land') continue
      await this.#store.delete(this.#key(entry.epoch))
      await this.#load()
      return undefined
    }
    this.#apply(entry)
    return entry.epoch
  }

  /** Find the newest land, and the takes after it. */
  async #load(): Promise<void> {
    const stored = await this.#store.list(this.#prefix)
    const epochs = stored.map(({ key }) => epochOf(this.#prefix, key)).filter((epoch) => epoch > 0)
    const tail: Entry[] = []
    while (epochs.length > 0 && tail.at(-1)?.kind !== 'land') {
      const epoch = epochs.pop() ?? 0
      const above = tail.at(-1)
      if (above && above.kind !== 'origin' && above.epoch !== epoch + 1) {
        throw new PipelineError('EPOCHS_DAMAGED', `entry ${above.epoch - 1} under ${this.#prefix} is missing`)
      }
      const entry = await this.#read(epoch)
      if (entry) tail.push(entry)
    }
    const last = tail.at(-1)
    if (last?.kind === 'take' && last.epoch !== 1) {
      throw new PipelineError('EPOCHS_DAMAGED', `entry ${last.epoch - 1} under ${this.#prefix} is missing`)
    }
    this.#lands = []
    this.#openTakes = []
    this.#voids = []
    this.#ends.clear()
    if (last?.kind === 'land') {
      this.#newest = last.epoch - 1
      for (const end of last.ends) this.#ends.set(`${end.topic}/${end.partition}`, end)
      this.#openTakes = last.takes
      this.#voids = last.voids
    }
    for (const entry of tail.reverse()) this.#apply(entry)
  }

  #apply(entry: Entry): void {
    if (entry.kind === 'origin') return
    if (entry.epoch !== this.#newest + 1) {
      throw new PipelineError(
        'EPOCHS_DAMAGED',
        `entry ${entry.epoch} follows entry ${this.#newest} under ${this.#prefix}`,
      )
    }
    this.#newest = entry.epoch
    this.#logId = entry.logId
    if (entry.kind === 'land') {
      this.#lands = [...this.#lands.slice(-64), entry]
      this.#openTakes = []
      return
    }
    const { kind: _, logId: __, ...take } = entry
    this.#openTakes = [...this.#openTakes, take]
    for (const range of take.ranges) this.#advance(range, { records: range.count })
    for (const gap of take.gaps ?? []) {
      const end = this.#ends.get(`${gap.topic}/${gap.partition}`)
      if (end === undefined || gap.from >= end.to) this.#advance(gap, { [gap.kind]: gap.count })
      else this.#void(gap, end)
    }
  }

  /** Count taken records as lost or skipped instead. */
  #void(gap: Gap, end: End): void {
    this.#voids = [...this.#voids, gap]
    const moved = { ...end, records: end.records - gap.count, [gap.kind]: end[gap.kind] + gap.count }
    this.#ends.set(`${gap.topic}/${gap.partition}`, moved)
  }

  #withoutVoid(take: Take): Take {
    if (this.#voids.length === 0) return take
    const ranges = take.ranges.filter(
      (range) =>
        !this.#voids.some(
          ({ topic, partition, from, to }) =>
            topic === range.topic && partition === range.partition && from <= range.from && range.to <= to,
        ),
    )
    return { ...take, ranges }
  }

  /** Ranges of a topic partition join without a gap: what no entry names would be lost in silence. */
  #advance(range: { topic: string; partition: number; from: number; to: number }, added: Partial<End>): void {
    const { topic, partition, from, to } = range
    const key = `${topic}/${partition}`
    const end = this.#ends.get(key) ?? { topic, partition, to: 0, records: 0, lost: 0, skipped: 0 }
    if (from !== end.to || to < from) {
      const place = `range ${from} to ${to} of ${key} under ${this.#prefix}`
      throw new PipelineError('EPOCHS_DAMAGED', `${place} does not join the last, which ended at ${end.to}`)
    }
    this.#ends.set(key, {
      ...end,
      to,
      records: end.records + (added.records ?? 0),
      lost: end.lost + (added.lost ?? 0),
      skipped: end.skipped + (added.skipped ?? 0),
    })
  }

  async *#storedLands(after: number): AsyncGenerator<LandEntry> {
    for (const { key } of await this.#store.list(this.#prefix, this.#key(after))) {
      const epoch = epochOf(this.#prefix, key)
      if (epoch > this.#newest) return
      const entry = await this.#read(epoch)
      if (entry?.kind === 'land') yield entry
    }
  }

  #key(epoch: number): string {
    return `${this.#prefix}${digits(epoch)}.json`
  }

  async #read(epoch: number): Promise<Entry | undefined> {
    const key = this.#key(epoch)
    const content = await this.#store.get(key)
    return content && parseEntry(key, epoch, content)
  }
}

function epochOf(prefix: string, key: string): number {
  const number = Number(/^(\d{20})\.json$/.exec(key.slice(prefix.length))?.[1])
  if (Number.isSafeInteger(number)) return number
  throw new PipelineError('EPOCHS_DAMAGED', `${key} is no entry of an epoch log`)
}
