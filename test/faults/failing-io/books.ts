import { isDeepStrictEqual } from 'node:util'
import { type CleaningPath, cleaningPaths } from '../../../src/clean/index.ts'
import { foundIn } from '../../model/found.ts'
import { expectedOf, type PlacedVerdict, type Sample, sampleOf, thing } from '../../model/things.ts'
import { Broken } from '../campaign.ts'
import { type Plant, topic } from './plant.ts'

const everything = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }

const forms = ['negative', 'string', 'cut', 'null', 'foreign', 'twice'] as const

/** What was sent to a plant and acknowledged, and what must therefore be in it. */
export class Books {
  readonly #samples: Map<string, Sample>
  /** Values by offset. */
  readonly #acknowledged: Map<number, string>
  /** Values by offset that a log which is gone held, and the lake still holds. */
  readonly #inLake: Map<number, string>
  #next: number

  constructor(from?: Books) {
    this.#samples = new Map(from ? from.#samples : [])
    this.#acknowledged = new Map(from ? from.#acknowledged : [])
    this.#inLake = new Map(from ? from.#inLake : [])
    this.#next = from ? from.#next : 0
  }

  get records(): number {
    return this.#acknowledged.size
  }

  /** The log is lost; what it held had landed. */
  forgetLog(): void {
    for (const [offset, value] of this.#acknowledged) this.#inLake.set(offset, value)
    this.#acknowledged.clear()
  }

  /** Send some new records, among them bad ones and one copy. */
  async append(plant: Plant, count: number, text = 'a'): Promise<void> {
    const samples = Array.from({ length: count }, () => {
      const id = this.#next++
      const form = id % 4 === 3 ? forms[(id >> 2) % forms.length]! : 'plain'
      return sampleOf({ id: id % 7 === 6 ? id - 1 : id, n: id % 50, t: text, form })
    })
    for (const sample of samples) this.#samples.set(nameOf(sample.value), sample)
    const records = samples.map(({ value }) => ({ key: null, value }))
    const { baseOffset } = await plant.log.append({ topic, partition: 0, records })
    for (const [at, { value }] of samples.entries()) this.#acknowledged.set(baseOffset + at, nameOf(value))
  }

  /**
   * What was acknowledged is in the log, all of that is in the lake, and `verify` finds nothing wrong.
   *
   * @param paths whose tables hold all of it, once; with none, `verify` leaves out the tables
   */
  async check(plant: Plant, paths: readonly CleaningPath[]): Promise<void> {
    const values = this.#valuesOf(plant)
    const expected = expectedOf(await this.#placed(plant, values), thing)
    for (const path of paths) {
      const found = await foundIn(plant.tables, plant.engine, `${path}/${thing.name}`)
      if (isDeepStrictEqual(found, expected)) continue
      const without = (all: string[], some: string[]) => all.filter((one) => !some.includes(one))
      const lost = [
        ...without(expected.rows, found.rows),
        ...without(expected.quarantined, found.quarantined),
      ]
      const told = `${path}: ${JSON.stringify({ found, expected })}`
      throw new Broken(told, { lost: lost.length, double: found.rows.length - new Set(found.rows).size })
    }
    const { checks } = await plant.verify(paths.length === cleaningPaths.length)
    const failed = checks.filter(({ ok }) => !ok)
    if (failed.length > 0) throw new Broken(`verify: ${JSON.stringify(failed)}`)
  }

  /** Values of the topic by offset, those that the log has let go of included. */
  #valuesOf({ log }: Plant): Map<number, string> {
    const { start } = log.offsets(topic, 0)
    const values = new Map([...this.#inLake, ...[...this.#acknowledged].filter(([offset]) => offset < start)])
    for (const { offset, value } of log.read(topic, 0, start, everything)) values.set(offset, nameOf(value))
    for (const [offset, value] of this.#acknowledged)
      if (values.get(offset) !== value)
        throw new Broken(`offset ${offset} holds ${values.get(offset)}, and was acknowledged for ${value}`, {
          lost: 1,
        })
    return values
  }

  async #placed({ log, epochs }: Plant, values: ReadonlyMap<number, string>): Promise<PlacedVerdict[]> {
    const placed: PlacedVerdict[] = []
    const { end } = log.offsets(topic, 0)
    if (epochs.position(topic, 0) !== end)
      throw new Broken(`taken up to ${epochs.position(topic, 0)} of ${end} when all was finished`)
    for await (const { epoch, ranges } of epochs.epochsAfter(0)) {
      for (const range of ranges.filter((one) => one.topic === topic)) {
        // An append that failed may leave a gap.
        const there = Array.from({ length: range.to - range.from }, (_, place) => range.from + place).filter(
          (offset) => values.has(offset),
        )
        if (there.length !== range.count)
          throw new Broken(`epoch ${epoch} counts ${range.count}, not ${there.length}`)
        for (const offset of there) {
          const sample = this.#samples.get(values.get(offset) ?? '')
          if (!sample) throw new Broken(`nobody sent what is at offset ${offset}: ${values.get(offset)}`)
          const { value } = sample
          placed.push({ epoch, topic, partition: 0, offset, value, verdict: sample.verdict(thing.key) })
        }
      }
    }
    return placed
  }
}

function nameOf(value: Buffer | null): string {
  return value === null ? 'null' : value.toString('base64')
}
