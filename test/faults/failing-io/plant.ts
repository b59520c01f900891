import { join } from 'node:path'
import { verify } from '../../../src/account/index.ts'
import { type CleaningPath, cleaningPaths, DatasetCleaner } from '../../../src/clean/index.ts'
import { LocalObjectStore, type PipelineError, Turns } from '../../../src/core/index.ts'
import type { Engine } from '../../../src/engine/index.ts'
import { EpochLog, EpochReader, Landing, Sequencer } from '../../../src/lake/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'
import type { Pipeline } from '../../../src/pipeline/index.ts'
import { catalogOf } from '../../../src/query/index.ts'
import { DeltaTable } from '../../../src/table/index.ts'
import { other, thing, topics } from '../../model/things.ts'

export const pipeline: Pipeline = { name: 'model', folder: '', datasets: [thing], questions: [] }
/** An append of some records fills a segment. */
export const segmentBytes = 30_000

const always = { ageMs: 0, recordsMax: 1_000, bytesMax: 1e6, flushSize: 4 }
const hourMs = 3_600_000

/** What a platform is made of, without anything that runs by itself: one step at a time, in this process. */
export class Plant {
  readonly root: string
  readonly engine: Engine
  readonly log: EmbeddedLog
  readonly epochs: EpochLog
  readonly landing: Landing
  readonly tables: LocalObjectStore
  readonly #cleaners = new Map<CleaningPath, Promise<DatasetCleaner>>()
  readonly #lake: LocalObjectStore
  readonly #sequencer: Sequencer
  landed: number
  /** Why it must be opened anew: the log cannot be written. */
  fatal: PipelineError | undefined

  private constructor(parts: {
    root: string
    engine: Engine
    log: EmbeddedLog
    lake: LocalObjectStore
    epochs: EpochLog
    landing: Landing
    landed: number
  }) {
    this.root = parts.root
    this.engine = parts.engine
    this.log = parts.log
    this.#lake = parts.lake
    this.epochs = parts.epochs
    this.landing = parts.landing
    this.landed = parts.landed
    this.tables = new LocalObjectStore(join(parts.root, 'tables'))
    this.#sequencer = new Sequencer(parts.log, parts.epochs, { topics: ['*'], take: always, land: always })
  }

  /** @param root a data folder. @param laterMs how much later it is than it is */
  static async open(root: string, engine: Engine, laterMs = 0): Promise<Plant> {
    const clock = () => Date.now() + laterMs
    let plant: Plant | undefined
    const log = await EmbeddedLog.open(join(root, 'log'), {
      recordBytesMax: 100_000,
      segmentBytes,
      segmentAgeMs: 1e12,
      freeBytesMin: 0,
      clock,
      onFatal: (error) => {
        if (plant) plant.fatal = error
      },
    })
    try {
      const lake = new LocalObjectStore(join(root, 'lake'))
      await lake.recover()
      const epochs = await EpochLog.open(lake, pipeline.name, clock)
      const landing = new Landing(lake, pipeline.name, 'topics')
      const known = new Set(log.topics().map(({ name }) => name))
      for (const { name, partitioner } of thing.topics)
        if (!known.has(name)) await log.createTopic(name, { partitions: 1, partitioner })
      const landed = await landing.newest()
      plant = new Plant({ root, engine, log, lake, epochs, landing, landed })
      await plant.tables.recover()
      return plant
    } catch (error) {
      await (plant ? plant.close() : log.close())
      throw error
    }
  }

  async close(): Promise<void> {
    for (const cleaner of this.#cleaners.values()) await (await cleaner).close()
    await this.log.close()
  }

  /** Enter a take, and a land where one is due. */
  async sequence(): Promise<boolean> {
    return this.#sequencer.step(true)
  }

  /** Bring the next land into the lake. */
  async sink(): Promise<boolean> {
    const [next] = await this.epochs.landsAfter(this.landed)
    if (next === undefined) return false
    await this.landing.land(await this.epochs.landEntry(next), this.log)
    this.landed = next
    return true
  }

  /** Everything in the log goes all the way, into the tables of some paths. */
  async finish(paths = cleaningPaths): Promise<void> {
    while (await this.sequence());
    while (await this.sink());
    for (const path of paths) {
      const cleaner = await this.cleaner(path)
      while (await cleaner.step());
    }
  }

  /** Opened when it is first asked for. */
  async cleaner(path: CleaningPath): Promise<DatasetCleaner> {
    const opening = this.#cleaners.get(path) ?? this.#openCleaner(path)
    this.#cleaners.set(path, opening)
    opening.catch(() => this.#cleaners.delete(path))
    return opening
  }

  table(name: string): DeltaTable {
    return new DeltaTable(this.tables, name, this.engine)
  }

  /** @param withTables else log, epoch log and lake alone */
  verify(withTables: boolean) {
    const catalog = catalogOf(pipeline, this.tables, this.engine)
    const { log, epochs, landing, engine } = this
    const datasets = withTables ? pipeline.datasets : []
    return verify({
      pipeline: { ...pipeline, datasets },
      log,
      lake: this.#lake,
      epochs,
      landing,
      catalog,
      engine,
    })
  }

  #openCleaner(path: CleaningPath): Promise<DatasetCleaner> {
    return DatasetCleaner.open({
      dataset: thing,
      datasets: [thing, other],
      path,
      epochs: this.epochs,
      reader: new EpochReader({
        log: this.log,
        lake: this.#lake,
        landing: this.landing,
        epochs: this.epochs,
      }),
      landed: () => this.landed,
      engine: this.engine,
      tables: this.tables,
      indexFolder: join(this.root, 'index'),
      temporaryFolder: join(this.root, 'tmp'),
      limits: { recordsMax: 1_000, bytesMax: 1_000_000 },
      turns: new Turns(),
      onWarning: () => undefined,
    })
  }
}

export const hours = (count: number): number => count * hourMs
export const [topic] = topics
