import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Verification, verify } from '../../src/account/index.ts'
import { type CleaningPath, cleaningPaths, DatasetCleaner } from '../../src/clean/index.ts'
import { LocalObjectStore, Turns } from '../../src/core/index.ts'
import type { Engine } from '../../src/engine/index.ts'
import { EpochLog, EpochReader, Landing, type Range } from '../../src/lake/index.ts'
import { EmbeddedLog } from '../../src/log/index.ts'
import type { Dataset, Pipeline } from '../../src/pipeline/index.ts'
import { keepFrom } from '../../src/platform/retention.ts'
import { catalogOf } from '../../src/query/index.ts'
import { DeltaTable, optimize, type Snapshot } from '../../src/table/index.ts'
import { foundIn } from './found.ts'
import { type Mishap, MortalStore } from './mortal-store.ts'
import { type Expected, expectedOf, other, type PlacedVerdict, type Sample, topics } from './things.ts'

export interface WorldOptions {
  engine: Engine
  dataset: Dataset
  partitions: number
  /** Bytes after which the log begins a new segment; small, and retention can drop what has landed. */
  segmentBytes: number
}

export interface Limits {
  recordsMax: number
  bytesMax: number
}

const pipelineName = 'model'

/**
 * The real parts between log and tables, in a folder of their own, with nothing running by itself: a test takes every
 * step. It also remembers what was appended and taken, from which it knows what the tables must hold.
 */
export class World {
  readonly options: WorldOptions
  readonly root: string
  readonly lake: MortalStore
  readonly tables: LocalObjectStore
  /** Each cleaner's view of the tables. */
  readonly stores: Record<CleaningPath, MortalStore>
  readonly landing: Landing
  readonly #limits: Record<CleaningPath, Limits>
  readonly #samples = new Map<string, Sample[]>()
  readonly #takes: { epoch: number; ranges: Range[] }[] = []
  readonly #cleaners = new Map<CleaningPath, DatasetCleaner>()
  /** Epoch each path is known to have cleaned up to. */
  readonly #done: Record<CleaningPath, number> = { stream: 0, batch: 0 }
  #log: EmbeddedLog
  #epochs: EpochLog
  landed = 0
  #clockMs = Date.now()

  private constructor(options: WorldOptions, root: string, log: EmbeddedLog, epochs: EpochLog) {
    this.options = options
    this.root = root
    this.lake = new MortalStore(new LocalObjectStore(join(root, 'lake')))
    this.tables = new LocalObjectStore(join(root, 'tables'))
    this.stores = { stream: new MortalStore(this.tables), batch: new MortalStore(this.tables) }
    this.landing = new Landing(this.lake, pipelineName, 'topics')
    const unlimited = () => ({ recordsMax: 1_000, bytesMax: 1_000_000 })
    this.#limits = { stream: unlimited(), batch: unlimited() }
    this.#log = log
    this.#epochs = epochs
  }

  static async open(options: WorldOptions): Promise<World> {
    const root = await mkdtemp(join(tmpdir(), 'pinflow-model-'))
    const log = await openLog(root, options)
    for (const name of topics)
      await log.createTopic(name, { partitions: options.partitions, partitioner: 'kafka' })
    const epochs = await EpochLog.open(new LocalObjectStore(join(root, 'lake')), pipelineName)
    return new World(options, root, log, epochs)
  }

  async close(): Promise<void> {
    for (const path of cleaningPaths) await this.crash(path)
    await this.#log.close()
    await rm(this.root, { recursive: true, force: true })
  }

  get epochs(): EpochLog {
    return this.#epochs
  }

  async append(topic: string, partition: number, samples: readonly Sample[]): Promise<void> {
    const known = this.#samples.get(`${topic}/${partition}`) ?? []
    this.#samples.set(`${topic}/${partition}`, [...known, ...samples])
    await this.#log.append({
      topic,
      partition,
      records: samples.map(({ value }, at) => ({ key: Buffer.from([at]), value, headers: [['h', null]] })),
    })
  }

  /** Enter a take of what waits, at most so many records of each topic partition, the partitions in this order. */
  async take(recordsMax: number, order: number): Promise<boolean> {
    const ranges: Range[] = []
    for (const topic of topics) {
      for (let partition = 0; partition < this.options.partitions; partition++) {
        const from = this.#epochs.position(topic, partition)
        const to = Math.min(this.#log.offsets(topic, partition).end, from + recordsMax)
        if (to > from) ranges.push({ topic, partition, from, to, count: to - from, bytes: 10 * (to - from) })
      }
    }
    if (ranges.length === 0) return false
    const turn = order % ranges.length
    const turned = [...ranges.slice(turn), ...ranges.slice(0, turn)]
    const epoch = await this.#epochs.take(this.#log.id, turned)
    if (epoch === undefined) throw new Error('a lone worker lost a race')
    this.#takes.push({ epoch, ranges: turned })
    return true
  }

  async land(flushSize: number): Promise<boolean> {
    if (this.#epochs.openTakes.length === 0) return false
    await this.#epochs.land(this.#log.id, flushSize)
    return true
  }

  /** Bring the next land into the lake; a mishap in the middle leaves objects without their marker. */
  async sink(mishap?: Mishap): Promise<boolean> {
    const [next] = await this.#epochs.landsAfter(this.landed)
    if (next === undefined) return false
    this.lake.failAt(mishap)
    try {
      await this.landing.land(await this.#epochs.landEntry(next), this.#log)
    } catch (error) {
      if (!this.lake.failed) throw error
    }
    this.lake.recover()
    this.landed = await this.landing.newest()
    return true
  }

  /** Take one step of cleaning, or rebuild; whoever dies of a mishap is started again. @returns whether there may be more */
  async clean(path: CleaningPath, limits: Limits, mishap?: Mishap, rebuild = false): Promise<boolean> {
    Object.assign(this.#limits[path], limits)
    const newest = path === 'stream' ? this.#epochs.newest : this.landed
    const more = await this.#attempt(path, mishap, async (cleaner) => {
      const more = rebuild ? await cleaner.rebuild() : await cleaner.step()
      const { pausedAt } = cleaner.standing ?? {}
      if (more === false) this.#done[path] = pausedAt ?? newest
      return more
    })
    return more ?? true
  }

  /** Take the tables back to where they were at some share of the epochs, and pause. */
  async restore(path: CleaningPath, share: number, mishap?: Mishap): Promise<void> {
    const epoch = Math.floor(share * this.#epochs.newest)
    await this.#attempt(path, mishap, async (cleaner) => {
      const point = await cleaner.restorePoint({ epoch })
      this.#done[path] = 0
      await cleaner.restore(point)
    })
  }

  async resume(path: CleaningPath, mishap?: Mishap): Promise<void> {
    await this.#attempt(path, mishap, (cleaner) => cleaner.resume())
  }

  /** Let a cleaner do something; whoever dies of a mishap is started again. @returns undefined after a mishap */
  async #attempt<T>(
    path: CleaningPath,
    mishap: Mishap | undefined,
    action: (cleaner: DatasetCleaner) => Promise<T>,
  ): Promise<T | undefined> {
    const cleaner = await this.cleaner(path)
    const store = this.stores[path]
    store.failAt(mishap)
    try {
      return await action(cleaner)
    } catch (error) {
      if (!store.failed) throw error
      if (store.dead) await this.crash(path)
      return undefined
    } finally {
      store.recover()
    }
  }

  async cleaner(
    path: CleaningPath,
    dataset = this.options.dataset,
    index = 'index',
  ): Promise<DatasetCleaner> {
    const open = this.#cleaners.get(path)
    if (open) return open
    const opened = await this.anotherCleaner(path, { dataset, index })
    this.#cleaners.set(path, opened)
    return opened
  }

  /** A cleaner beside the one that the world works with. */
  async anotherCleaner(
    path: CleaningPath,
    {
      dataset = this.options.dataset,
      index = 'index',
      epochs = this.#epochs,
      tables = this.stores[path],
    }: { dataset?: Dataset; index?: string; epochs?: EpochLog; tables?: MortalStore } = {},
  ): Promise<DatasetCleaner> {
    const cleaner = await DatasetCleaner.open({
      dataset,
      datasets: [dataset, other],
      path,
      epochs,
      reader: new EpochReader({ log: this.#log, lake: this.lake, landing: this.landing, epochs }),
      landed: () => this.landed,
      engine: this.options.engine,
      tables,
      indexFolder: join(this.root, index),
      temporaryFolder: this.root,
      limits: this.#limits[path],
      turns: new Turns(),
      onWarning: (message) => {
        throw new Error(message)
      },
    })
    // The tables are there, so that mishaps befall what is done to them. What is wrong with them a step says.
    await cleaner.state().catch(() => undefined)
    return cleaner
  }

  /** Drop what a cleaner has in memory, and perhaps its index. */
  async crash(path: CleaningPath, dropIndex = false): Promise<void> {
    await this.#cleaners.get(path)?.close()
    this.#cleaners.delete(path)
    if (!dropIndex) return
    for (const suffix of ['', '-lock'])
      await rm(join(this.root, 'index', `${path}.${this.options.dataset.name}.keys.lmdb${suffix}`), {
        force: true,
      })
  }

  /** Open everything again, as a process does that starts. */
  async restart(): Promise<void> {
    for (const path of cleaningPaths) await this.crash(path)
    await this.#log.close()
    this.#log = await openLog(this.root, this.options)
    await this.#openEpochs()
    this.landed = await this.landing.newest()
  }

  /** Start again with another definition of the dataset. */
  async redefine(dataset: Dataset): Promise<void> {
    this.options.dataset = dataset
    await this.restart()
  }

  /** What housekeeping does in the course of time: delete old takes, drop old segments of the log. */
  async forget(): Promise<void> {
    this.#clockMs += 8_000_000
    await this.#openEpochs()
    for (const path of cleaningPaths) await this.crash(path)
    await this.#epochs.deleteOldTakes()
    await this.#log.retain(
      { ageMs: -1, bytesMax: null },
      keepFrom(this.#epochs, this.landed, this.#done.stream, () => true),
    )
  }

  async optimize(path: CleaningPath, kind: 'data' | 'quarantine'): Promise<void> {
    const prefix = kind === 'data' ? this.#prefixOf(path) : `quarantine/${this.#prefixOf(path)}`
    const table = new DeltaTable(this.tables, prefix, this.options.engine)
    const carry = ({ commitInfo }: Snapshot) => ({ pinflow: commitInfo?.pinflow })
    await this.options.engine.with((session) => optimize(table, session, { nowMs: Date.now(), carry }))
  }

  /** Everything that was appended goes all the way. */
  async finish(): Promise<void> {
    while (await this.take(1_000, 0));
    await this.land(10)
    while (await this.sink());
    const wide = { recordsMax: 1_000, bytesMax: 1_000_000 }
    const cleanAll = async (path: CleaningPath) => {
      await this.resume(path)
      while (await this.clean(path, wide));
    }
    await Promise.all(cleaningPaths.map(cleanAll))
  }

  verify(): Promise<Verification> {
    const { engine, dataset } = this.options
    const pipeline: Pipeline = { name: pipelineName, folder: '', datasets: [dataset], questions: [] }
    return verify({
      pipeline,
      log: this.#log,
      lake: this.lake,
      epochs: this.#epochs,
      landing: this.landing,
      catalog: catalogOf(pipeline, this.tables, engine),
      engine,
    })
  }

  /** What both tables must hold of what was taken. */
  expected(): Expected {
    return expectedOf(this.#placed(), this.options.dataset)
  }

  /** What a table, its quarantine and its account hold. */
  found(path: CleaningPath): Promise<Expected> {
    return foundIn(this.tables, this.options.engine, this.#prefixOf(path))
  }

  *#placed(): Generator<PlacedVerdict> {
    for (const { epoch, ranges } of this.#takes) {
      for (const { topic, partition, from, to } of ranges) {
        const samples = this.#samples.get(`${topic}/${partition}`) ?? []
        for (const [at, { value, verdict }] of samples.slice(from, to).entries())
          yield {
            epoch,
            topic,
            partition,
            offset: from + at,
            value,
            verdict: verdict(this.options.dataset.key),
          }
      }
    }
  }

  #prefixOf(path: CleaningPath): string {
    return `${path}/${this.options.dataset.name}`
  }

  async #openEpochs(): Promise<void> {
    const lake = new LocalObjectStore(join(this.root, 'lake'))
    this.#epochs = await EpochLog.open(lake, pipelineName, () => this.#clockMs)
  }
}

function openLog(root: string, { segmentBytes }: WorldOptions): Promise<EmbeddedLog> {
  return EmbeddedLog.open(join(root, 'log'), {
    recordBytesMax: 100_000,
    segmentBytes,
    segmentAgeMs: 1e12,
    freeBytesMin: 0,
  })
}
