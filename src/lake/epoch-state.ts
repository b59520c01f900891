import { isDeepStrictEqual } from 'node:util'
import { PipelineError } from '../core/index.ts'
import type { End, Gap, LandEntry, Range, Take, TakeEntry } from './entry.ts'

/** As many lands are remembered. */
const landsKept = 64

/** What the entries of an epoch log add up to; never changes. */
export class EpochState {
  readonly #prefix: string
  readonly #ends: Map<string, End>
  #newest = 0
  #logId: string | undefined
  #lands: readonly LandEntry[] = []
  #openTakes: readonly Take[] = []
  #voids: readonly Gap[] = []

  private constructor(prefix: string, ends: Iterable<[string, End]>) {
    this.#prefix = prefix
    this.#ends = new Map(ends)
  }

  /**
   * @param prefix of the entries' keys
   * @param land where to begin: what came before it is in it
   */
  static at(prefix: string, land?: LandEntry): EpochState {
    const ends = land?.ends ?? []
    const state = new EpochState(
      prefix,
      ends.map((end) => [`${end.topic}/${end.partition}`, end]),
    )
    if (!land) return state
    state.#newest = land.epoch
    state.#logId = land.logId
    state.#lands = [land]
    state.#voids = land.voids
    return state
  }

  get newest(): number {
    return this.#newest
  }

  get logId(): string | undefined {
    return this.#logId
  }

  /** The newest, in order. */
  get lands(): readonly LandEntry[] {
    return this.#lands
  }

  /** As they were entered, ranges that were made void later included. */
  get openTakes(): readonly Take[] {
    return this.#openTakes
  }

  get voids(): readonly Gap[] {
    return this.#voids
  }

  /** In order of topic and partition. */
  ends(): End[] {
    return [...this.#ends.values()].sort((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
    )
  }

  position(topic: string, partition: number): number {
    return this.#ends.get(`${topic}/${partition}`)?.to ?? 0
  }

  /** A take as it is processed. */
  withoutVoid(take: Take): Take {
    if (this.#voids.length === 0) return take
    return { ...take, ranges: take.ranges.flatMap((range) => this.#partsOf(range)) }
  }

  /** What no void covers of a range: all of it, its beginning, or nothing. Each is of what those before it have left. */
  #partsOf(range: Range): Range[] {
    let left = range
    for (const gap of this.#voids) {
      if (gap.topic !== range.topic || gap.partition !== range.partition) continue
      if (gap.from <= left.from && left.to <= gap.to) return []
      if (gap.from <= left.from || left.to <= gap.from) continue
      const count = left.count - gap.count
      left = {
        ...left,
        to: gap.from,
        count,
        bytes: Math.ceil((left.bytes * count) / Math.max(1, left.count)),
      }
    }
    return [left]
  }

  /** What it is after one more entry. @throws EPOCHS_DAMAGED when the entry does not follow from those before it */
  after(entry: TakeEntry | LandEntry): EpochState {
    if (entry.epoch !== this.#newest + 1) throw this.#damaged(entry, `follows entry ${this.#newest}`)
    const next = new EpochState(this.#prefix, this.#ends)
    next.#lands = this.#lands
    next.#openTakes = this.#openTakes
    next.#voids = this.#voids
    next.#newest = entry.epoch
    next.#logId = entry.logId
    if (entry.kind === 'take') next.#take(entry)
    else next.#land(entry)
    return next
  }

  #take({ kind: _, logId: __, ...take }: TakeEntry): void {
    for (const range of take.ranges) this.#advance(take, range, { records: range.count })
    for (const gap of take.gaps ?? []) {
      const end = this.#ends.get(`${gap.topic}/${gap.partition}`)
      if (end === undefined || gap.from >= end.to) this.#advance(take, gap, { [gap.kind]: gap.count })
      else this.#void(gap, end)
    }
    this.#openTakes = [...this.#openTakes, take]
  }

  #land(land: LandEntry): void {
    // What a land forgot to repeat would be in no lake.
    if (!isDeepStrictEqual(land.takes, this.#openTakes)) {
      throw this.#damaged(land, 'repeats other takes than were entered')
    }
    this.#lands = [...this.#lands.slice(1 - landsKept), land]
    this.#openTakes = []
  }

  /** Count taken records as lost or skipped instead. */
  #void(gap: Gap, end: End): void {
    this.#voids = [...this.#voids, gap]
    const moved = { ...end, records: end.records - gap.count, [gap.kind]: end[gap.kind] + gap.count }
    this.#ends.set(`${gap.topic}/${gap.partition}`, moved)
  }

  /** Ranges of a topic partition join without a gap: what no entry names would be lost in silence. */
  #advance(take: Take, range: Range | Gap, added: Partial<End>): void {
    const { topic, partition, from, to } = range
    const key = `${topic}/${partition}`
    const end = this.#ends.get(key) ?? { topic, partition, to: 0, records: 0, lost: 0, skipped: 0 }
    if (from !== end.to || to < from) {
      throw this.#damaged(take, `takes ${from} to ${to} of ${key}, which had been taken up to ${end.to}`)
    }
    this.#ends.set(key, {
      ...end,
      to,
      records: end.records + (added.records ?? 0),
      lost: end.lost + (added.lost ?? 0),
      skipped: end.skipped + (added.skipped ?? 0),
    })
  }

  #damaged({ epoch }: { epoch: number }, what: string): PipelineError {
    return new PipelineError('EPOCHS_DAMAGED', `entry ${epoch} under ${this.#prefix} ${what}`)
  }
}
