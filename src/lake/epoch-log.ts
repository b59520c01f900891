/**
 * The epoch log of a pipeline: what is processed together, decided once. Entries are numbered from 1 without gaps;
 * takes below the last land but one may be deleted, for every land repeats its takes.
 *
 * Any number of workers may write: putting an entry if absent is the decision, and the loser reads again. A worker
 * whose number lies at or below the newest land (it slept while takes were deleted) drops its entry. One object
 * serves one worker: its calls that write do not overlap; others may.
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
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
  type TakeEntry,
} from './entry.ts'
import { EpochState } from './epoch-state.ts'
import { RepeatedTakes } from './repeated-takes.ts'

/** A take, and the land that repeats it once there is one. */
export interface Epoch extends Take {
  land?: number
}

const takeKeptMs = 3_600_000
/** Whoever looked as lately knows that no take above its own last entry can have been deleted. */
const freshMs = takeKeptMs / 4

export class EpochLog {
  readonly id: string
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #clock: Clock
  #state: EpochState
  /** When there certainly was no entry above the newest that is known. */
  #seenMs = 0
  #repeated = new RepeatedTakes()

  private constructor(store: ObjectStore, prefix: string, id: string, clock: Clock) {
    this.#store = store
    this.#prefix = prefix
    this.id = id
    this.#clock = clock
    this.#state = EpochState.at(prefix)
  }

  /** Open a pipeline's epoch log in a lake, or begin it. @throws EPOCHS_DAMAGED */
  static async open(store: ObjectStore, pipeline: string, clock: Clock = systemClock): Promise<EpochLog> {
    const prefix = `_pinflow/${pipeline}/epochs/`
    const key = `${prefix}${digits(0)}.json`
    if (!(await store.get(key))) {
      const [landed] = await store.list(`_pinflow/${pipeline}/landed/`)
      // Another worker may have begun it just now: before it landed anything, so the entries are listed last.
      const [first = landed] = await store.list(prefix)
      if (first && first.key !== key)
        throw new PipelineError('EPOCHS_DAMAGED', `${key} is missing, but ${first.key} exists`)
      await store.putIfAbsent(
        key,
        encodeEntry({ kind: 'origin', format: 1, id: randomUUID(), timeMs: clock() }),
      )
    }
    const stored = parseEntry(key, 0, (await store.get(key)) ?? Buffer.alloc(0))
    if (stored.kind !== 'origin') throw new PipelineError('EPOCHS_DAMAGED', `${key} is no origin`)
    const log = new EpochLog(store, prefix, stored.id, clock)
    await log.#load()
    return log
  }

  /** Number of the newest entry; 0 when there is none but the origin. */
  get newest(): number {
    return this.#state.newest
  }

  /** Number of the newest land; 0 when there is none. */
  get newestLand(): number {
    return this.#state.lands.at(-1)?.epoch ?? 0
  }

  /** The log that the newest entry is of. */
  get logId(): string | undefined {
    return this.#state.logId
  }

  /** Takes since the newest land, in order. */
  get openTakes(): readonly Take[] {
    return this.#state.openTakes.map((take) => this.#state.withoutVoid(take))
  }

  /** Every gap so far that voids what was taken before, in order. */
  get voids(): readonly Gap[] {
    return this.#state.voids
  }

  /** How far each topic partition has been taken, and what that was, in order of topic and partition. */
  ends(): End[] {
    return this.#state.ends()
  }

  /** The offset the next take of a topic partition begins at. */
  position(topic: string, partition: number): number {
    return this.#state.position(topic, partition)
  }

  /** Enter a take. @returns its epoch; undefined when another worker was first: look again */
  take(logId: string, ranges: Range[], gaps: Gap[] = []): Promise<number | undefined> {
    const epoch = this.newest + 1
    const take = { epoch, timeMs: this.#clock(), ranges, ...(gaps.length > 0 && { gaps }) }
    return this.#append({ kind: 'take', logId, ...take })
  }

  /** Enter a land of every open take. @returns its epoch; undefined when another worker was first: look again */
  land(logId: string, flushSize: number): Promise<number | undefined> {
    return this.#append({
      kind: 'land',
      epoch: this.newest + 1,
      timeMs: this.#clock(),
      logId,
      flushSize,
      takes: [...this.#state.openTakes],
      ends: this.ends(),
      voids: [...this.#state.voids],
    })
  }

  /** Read what other workers have entered. */
  async refresh(): Promise<void> {
    if (!this.#isFresh()) return this.#load()
    for (;;) {
      const seenMs = this.#clock()
      const next = this.newest + 1
      const entry = await this.#read(next)
      // Another call has read it meanwhile.
      if (this.newest >= next) continue
      // A take may have been deleted when reading took so long, and what was read stand in its place.
      if (!this.#isFresh()) return this.#load()
      if (!entry || entry.kind === 'origin') {
        this.#seenMs = seenMs
        return
      }
      this.#apply(entry)
    }
  }

  /** A land's entry. @throws EPOCHS_DAMAGED when there is none of that number */
  async landEntry(epoch: number): Promise<LandEntry> {
    const known = this.#state.lands.find((land) => land.epoch === epoch)
    const entry = known ?? (await this.#read(epoch))
    if (entry?.kind !== 'land')
      throw new PipelineError('EPOCHS_DAMAGED', `entry ${epoch} under ${this.#prefix} is no land`)
    return { ...entry, takes: entry.takes.map((take) => this.#state.withoutVoid(take)) }
  }

  /** The newest land that is not above `epoch`, with its ends, as far as this log remembers (64 lands). */
  landBefore(epoch: number): Pick<LandEntry, 'epoch' | 'ends'> | undefined {
    return this.#state.lands.findLast((land) => land.epoch <= epoch)
  }

  /** Numbers of all lands above `after`, in order, as far as this log has read. */
  async landsAfter(after: number): Promise<number[]> {
    const [first] = this.#state.lands
    if (first && first.epoch <= after + 1) {
      return this.#state.lands.map((land) => land.epoch).filter((epoch) => epoch > after)
    }
    const found: number[] = []
    for await (const land of this.#storedLands(after, this.newestLand)) found.push(land.epoch)
    return found
  }

  /** Takes above `after` in order, each with its land; those not landed yet last. As of the call. */
  async *epochsAfter(after: number): AsyncGenerator<Epoch> {
    const { lands: known } = this.#state
    const open = this.openTakes
    const [first] = known
    const remembered = !first || (first.takes[0]?.epoch ?? first.epoch) <= after + 1
    for await (const land of remembered ? known : this.#storedLands(after, known.at(-1)?.epoch ?? 0)) {
      for (const take of land.takes) {
        if (take.epoch > after) yield { ...this.#state.withoutVoid(take), land: land.epoch }
      }
    }
    for (const take of open) if (take.epoch > after) yield take
  }

  /** Delete the takes that lands before the newest repeat, an hour after those lands. @returns how many */
  async deleteOldTakes(): Promise<number> {
    const store = {
      landEntry: (epoch: number) => this.landEntry(epoch),
      exists: async (epoch: number) => (await this.#store.get(this.#key(epoch))) !== undefined,
      delete: (epoch: number) => this.#store.delete(this.#key(epoch)),
    }
    return this.#repeated.delete(store, this.newestLand, this.#clock() - takeKeptMs)
  }

  async #append(entry: TakeEntry | LandEntry): Promise<number | undefined> {
    const key = this.#key(entry.epoch)
    const putMs = this.#clock()
    // What does not follow must not be put: it could never be read past.
    const state = this.#state.after(entry)
    if (!(await this.#store.putIfAbsent(key, encodeEntry(entry)))) {
      await this.refresh()
      return undefined
    }
    if (!this.#isFresh() && !(await this.#stands(entry))) {
      await this.#store.delete(key)
      await this.#load()
      return undefined
    }
    if (this.newest < entry.epoch) this.#become(state, entry)
    this.#seenMs = putMs
    return entry.epoch
  }

  /** Whether no take above the newest entry that is known can have been deleted. */
  #isFresh(seenMs = this.#seenMs): boolean {
    const age = this.#clock() - seenMs
    return age >= 0 && age < freshMs
  }

  /** Whether an entry that was put is history, and not in the place of a take that was deleted. */
  async #stands(entry: TakeEntry | LandEntry): Promise<boolean> {
    for (const { key } of await this.#store.list(this.#prefix, this.#key(entry.epoch))) {
      const beyond = await this.#read(epochOf(this.#prefix, key))
      if (beyond?.kind !== 'land') continue
      const repeated = beyond.takes.find(({ epoch }) => epoch === entry.epoch)
      if (entry.kind === 'land') return !repeated
      const { kind: _, logId: __, ...take } = entry
      return isDeepStrictEqual(repeated, take)
    }
    return true
  }

  /** Find the newest land, and the takes after it. */
  async #load(): Promise<void> {
    const seenMs = this.#clock()
    const stored = await this.#store.list(this.#prefix)
    const epochs = stored.map(({ key }) => epochOf(this.#prefix, key)).filter((epoch) => epoch > 0)
    const takes: TakeEntry[] = []
    let land: LandEntry | undefined
    for (const epoch of epochs.reverse()) {
      const above = takes.at(-1)
      if (above && above.epoch !== epoch + 1) throw this.#missing(above.epoch - 1)
      const entry = await this.#read(epoch)
      if (entry?.kind === 'origin') throw this.#missing(epoch)
      // It has landed and was deleted since the listing: the next listing begins with a land above it.
      if (!entry) return this.#load()
      if (entry.kind === 'land') {
        land = entry
        break
      }
      takes.push(entry)
    }
    const first = takes.at(-1)
    // Among what took so long to read may be what a worker that slept has put in the place of a take that was deleted.
    if (!this.#isFresh(seenMs)) return this.#load()
    if (first && !land && first.epoch !== 1) throw this.#missing(first.epoch - 1)
    this.#seenMs = seenMs
    // Another call has read as far meanwhile.
    if (epochs.length > 0 && this.newest >= (takes[0] ?? land)!.epoch) return
    this.#state = EpochState.at(this.#prefix, land)
    this.#repeated = new RepeatedTakes()
    if (land) this.#repeated.add(land)
    for (const entry of takes.reverse()) this.#apply(entry)
  }

  #missing(epoch: number): PipelineError {
    return new PipelineError('EPOCHS_DAMAGED', `entry ${epoch} under ${this.#prefix} is missing`)
  }

  #apply(entry: TakeEntry | LandEntry): void {
    this.#become(this.#state.after(entry), entry)
  }

  #become(state: EpochState, entry: TakeEntry | LandEntry): void {
    this.#state = state
    if (entry.kind === 'land') this.#repeated.add(entry)
  }

  /**
   * Stored lands above `after` up to one that is known. A worker that slept while takes were deleted, and died once it
   * had put a land in the place of one, has left a land that is none: the next one does not follow it.
   *
   * @throws EPOCHS_DAMAGED when one is missing: what it repeats would be left out in silence
   */
  async *#storedLands(after: number, until: number): AsyncGenerator<LandEntry> {
    let candidate: LandEntry | undefined
    let last = after
    for (const { key } of await this.#store.list(this.#prefix, this.#key(after))) {
      const epoch = epochOf(this.#prefix, key)
      if (epoch > until) break
      const entry = await this.#read(epoch)
      if (entry?.kind !== 'land') continue
      const before = (entry.takes[0]?.epoch ?? epoch) - 1
      if (candidate?.epoch === before) {
        yield candidate
        last = before
      } else if (before > last) throw this.#missing(before)
      candidate = entry
    }
    if (candidate) yield candidate
    if (until > after && candidate?.epoch !== until) throw this.#missing(until)
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
