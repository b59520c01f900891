import type { CleaningPath, DatasetCleaner, RestoreTarget } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { type Streams, toldOf, type WorkerReport, withStanding } from './streams.ts'

interface Batch {
  cleaner: DatasetCleaner
  /** What its last step failed with. */
  trouble: unknown
  working: boolean
}

/**
 * Both kinds of cleaning of every dataset: streams that go on by themselves, and batches that run when asked. What is
 * asked is done one after the other. Whatever is wrong with the tables of one dataset stands in the way of that one
 * alone.
 */
export class Datasets {
  readonly streams: Streams
  readonly #streamCleaners: DatasetCleaner[] = []
  readonly #batches: Batch[] = []
  #asked: Promise<unknown> = Promise.resolve()

  constructor(streams: Streams) {
    this.streams = streams
  }

  /** Take up a cleaner. @throws what is no fault of its tables */
  async add(path: CleaningPath, cleaner: DatasetCleaner): Promise<void> {
    const trouble = await cleaner.check().then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof PipelineError) return error
        throw error
      },
    )
    if (path === 'batch') this.#batches.push({ cleaner, trouble, working: false })
    else {
      this.#streamCleaners.push(cleaner)
      this.streams.add(cleaner, trouble)
    }
  }

  /** A table that knows more than the epoch log: while it does, the epoch log may be the wrong one. */
  get behind(): PipelineError | undefined {
    const troubles = [...this.streams.troubles, ...this.#batches.map(({ trouble }) => trouble)]
    return troubles.find(
      (trouble): trouble is PipelineError =>
        trouble instanceof PipelineError && trouble.code === 'EPOCHS_BEHIND_TABLE',
    )
  }

  /** Names of cleaners that are paused. */
  get paused(): string[] {
    const states = Object.entries(this.states())
    return states.filter(([, { state }]) => state === 'paused').map(([name]) => name)
  }

  /** What is wrong with tables of batches. */
  get batchTroubles(): { name: string; trouble: unknown }[] {
    return this.#batches
      .map(({ cleaner, trouble }) => ({ name: cleaner.name, trouble }))
      .filter(({ trouble }) => trouble !== undefined)
  }

  /** Resolves when nothing that was asked is under way. */
  async settled(): Promise<void> {
    await this.#asked
  }

  /** Clean all up to a land as batches. @throws what stands in the way of one, once the others are done */
  runBatch(land: number, onStep: () => void): Promise<void> {
    return this.#inTurn(async () => {
      for (const batch of this.#batches) await this.#run(batch, land, onStep)
      const [first] = this.batchTroubles
      if (first) throw first.trouble
    })
  }

  async #run(batch: Batch, land: number, onStep: () => void): Promise<void> {
    batch.working = true
    try {
      while (await batch.cleaner.step(land)) onStep()
      batch.trouble = undefined
    } catch (error) {
      batch.trouble = error
    } finally {
      batch.working = false
    }
  }

  /** Make a dataset's tables anew under its present definition, both ways. */
  rebuild(dataset: string): Promise<void> {
    return this.#inTurn(() => this.#replacing(dataset, (cleaner) => cleaner.rebuild()))
  }

  /**
   * Take a dataset's tables back, both ways, and pause their cleaning.
   *
   * @returns the epoch of each
   * @throws TABLE_VERSION_UNKNOWN, before anything was done
   */
  restore(dataset: string, target: RestoreTarget): Promise<Record<string, number>> {
    return this.#inTurn(async () => {
      const points = new Map(
        await Promise.all(
          this.#cleanersOf(dataset).map(
            async (cleaner) => [cleaner, await cleaner.restorePoint(target)] as const,
          ),
        ),
      )
      const epochs: Record<string, number> = {}
      await this.#replacing(dataset, async (cleaner) => {
        const point = points.get(cleaner)
        if (point) epochs[cleaner.name] = await cleaner.restore(point)
      })
      return epochs
    })
  }

  /** Go on after a restore. @returns the epoch that each goes on from; without those that were not paused */
  resume(dataset: string): Promise<Record<string, number>> {
    return this.#inTurn(async () => {
      const epochs: Record<string, number> = {}
      await this.#replacing(dataset, async (cleaner) => {
        const epoch = await cleaner.resume()
        if (epoch !== undefined) epochs[cleaner.name] = epoch
      })
      return epochs
    })
  }

  /** State of each cleaner by its name. */
  states(): Record<string, WorkerReport> {
    const batches = this.#batches.map(({ cleaner, trouble, working }): [string, WorkerReport] => {
      const state = working ? 'working' : trouble === undefined ? 'idle' : 'stopped'
      const error = trouble === undefined ? {} : toldOf(trouble)
      return [cleaner.name, withStanding({ state, ...error }, cleaner)]
    })
    return { ...this.streams.states(), ...Object.fromEntries(batches) }
  }

  async close(): Promise<void> {
    for (const cleaner of [...this.#streamCleaners, ...this.#batches.map(({ cleaner }) => cleaner)])
      await cleaner.close()
  }

  #cleanersOf(dataset: string): DatasetCleaner[] {
    return [...this.#streamCleaners, ...this.#batches.map(({ cleaner }) => cleaner)].filter(({ name }) =>
      ['stream', 'batch'].some((path) => name === `${path}.${dataset}`),
    )
  }

  /** Do something to the tables of a dataset, its stream first, which holds meanwhile. */
  async #replacing(dataset: string, action: (cleaner: DatasetCleaner) => Promise<void>): Promise<void> {
    for (const cleaner of this.#cleanersOf(dataset)) {
      const batch = this.#batches.find((known) => known.cleaner === cleaner)
      if (batch) {
        await action(cleaner)
        batch.trouble = undefined
      } else await this.streams.pausing(cleaner, () => action(cleaner))
    }
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#asked.then(action)
    this.#asked = done.catch(() => undefined)
    return done
  }
}
