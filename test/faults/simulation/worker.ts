import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CleaningPath, cleaningPaths, DatasetCleaner } from '../../../src/clean/index.ts'
import { type Clock, type ObjectStore, Turns } from '../../../src/core/index.ts'
import type { Engine } from '../../../src/engine/index.ts'
import { EpochLog, EpochReader, Landing, Sequencer } from '../../../src/lake/index.ts'
import { keepFrom } from '../../../src/platform/retention.ts'
import { DeltaTable, optimize, type Snapshot } from '../../../src/table/index.ts'
import { other } from '../../model/things.ts'
import type { Life } from './scheduler.ts'
import type { Settings } from './settings.ts'
import type { SimulatedLog } from './simulated-log.ts'

export const pipelineName = 'simulation'

export interface WorkerParts {
  life: Life
  settings: Settings
  log: SimulatedLog
  store: ObjectStore
  /** Of those who clean. */
  engine: Engine | undefined
  /** Exists; holds key indexes and scratch. */
  folder: string
  clock: Clock
}

/** One worker, from its start to its crash: what a platform runs over a store, with every step taken by hand. */
export class SimulatedWorker {
  readonly life: Life
  readonly #parts: WorkerParts
  readonly #epochs: EpochLog
  readonly #landing: Landing
  readonly #sequencer: Sequencer
  readonly #cleaners = new Map<CleaningPath, DatasetCleaner>()
  #landed: number
  /** Epoch up to which the stream has cleaned. */
  #done = 0

  private constructor(parts: WorkerParts, epochs: EpochLog, landing: Landing, landed: number) {
    const { settings, log, clock } = parts
    this.life = parts.life
    this.#parts = parts
    this.#epochs = epochs
    this.#landing = landing
    this.#landed = landed
    const { take, land } = settings
    this.#sequencer = new Sequencer(log.log, epochs, { topics: ['*'], take, land, clock })
  }

  static async open(parts: WorkerParts): Promise<SimulatedWorker> {
    const epochs = await EpochLog.open(parts.store, pipelineName, parts.clock)
    const landing = new Landing(parts.store, pipelineName, 'topics')
    return new SimulatedWorker(parts, epochs, landing, await landing.newest())
  }

  /** What it does over and over, by name: a step, and whether there may be more. */
  get chores(): Record<string, () => Promise<boolean>> {
    return {
      sequence: () => this.#sequencer.step(),
      land: () => this.#land(),
      keep: () => this.#keepHouse(),
      ...(this.#parts.settings.cleans && {
        stream: () => this.#stream(),
        batch: async () => (await this.#cleaner('batch')).step(),
      }),
    }
  }

  /** Make a table anew; excludes the cleaning of its path, as a platform does. */
  async rebuild(path: CleaningPath): Promise<void> {
    await (await this.#cleaner(path)).rebuild()
  }

  async optimize(path: CleaningPath, kind: 'data' | 'quarantine'): Promise<void> {
    const { engine, store, settings, clock } = this.#parts
    const prefix = `${path}/${settings.dataset.name}`
    const table = new DeltaTable(store, kind === 'data' ? prefix : `quarantine/${prefix}`, engine!)
    const carry = ({ commitInfo }: Snapshot) => ({ pinflow: commitInfo?.pinflow })
    await engine!.with((session) => optimize(table, session, { nowMs: clock(), carry }))
  }

  /** Let go of what a process that dies lets go of; perhaps its indexes are lost with it. */
  async close(dropIndexes: boolean): Promise<void> {
    for (const cleaner of this.#cleaners.values()) await cleaner.close()
    if (!dropIndexes) return
    for (const path of cleaningPaths) {
      const index = join(this.#parts.folder, `${path}.${this.#parts.settings.dataset.name}.keys.lmdb`)
      for (const file of [index, `${index}-lock`]) await rm(file, { force: true })
    }
  }

  async #land(): Promise<boolean> {
    const [next] = await this.#epochs.landsAfter(this.#landed)
    if (next === undefined) return false
    await this.#landing.land(await this.#epochs.landEntry(next), this.#parts.log.log)
    this.#landed = next
    return true
  }

  async #keepHouse(): Promise<boolean> {
    await this.#epochs.deleteOldTakes()
    const cleaned = this.#parts.settings.cleans ? this.#done : Number.POSITIVE_INFINITY
    await this.#parts.log.retain(keepFrom(this.#epochs, this.#landed, cleaned, () => true))
    return false
  }

  async #stream(): Promise<boolean> {
    const cleaner = await this.#cleaner('stream')
    const { newest } = this.#epochs
    const more = await cleaner.step()
    this.#done = more ? Math.max(this.#done, (await cleaner.state()).dataEpoch) : newest
    return more
  }

  async #cleaner(path: CleaningPath): Promise<DatasetCleaner> {
    const open = this.#cleaners.get(path)
    if (open) return open
    const { settings, log, store, engine, folder } = this.#parts
    const opened = await DatasetCleaner.open({
      dataset: settings.dataset,
      datasets: [settings.dataset, other],
      path,
      epochs: this.#epochs,
      reader: new EpochReader({ log: log.log, lake: store, landing: this.#landing, epochs: this.#epochs }),
      landed: () => this.#landed,
      engine: engine!,
      tables: store,
      indexFolder: folder,
      temporaryFolder: folder,
      limits: settings.groups,
      turns: new Turns(),
      onWarning: () => undefined,
    })
    this.#cleaners.set(path, opened)
    return opened
  }
}
