/**
 * Composes the stages over one data folder, and keeps them running.
 *
 *     <data>/pinflow.json, lock, server.json     the folder's format, its owner
 *     <data>/log/                                records as they were acknowledged
 *     <data>/lake/                               epoch log, raw objects, landed markers
 *     <data>/tables/                             Delta tables and their quarantines
 *     <data>/index/, tmp/                        caches and scratch: safe to delete while nothing runs
 */
import { mkdir, rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import { type CleaningPath, cleaningPaths, DatasetCleaner } from '../clean/index.ts'
import { type Config, DataFolder, LocalObjectStore, messageOf, PipelineError, Worker } from '../core/index.ts'
import { EpochLog, EpochReader, Landing, Sequencer } from '../lake/index.ts'
import { EmbeddedLog } from '../log/index.ts'
import type { Dataset, Pipeline } from '../pipeline/index.ts'
import { type CatalogTable, catalogOf } from '../query/index.ts'
import { Engine, type EngineOptions } from '../table/index.ts'
import { adoptLog, refuseLogBehindLake } from './log-behind-lake.ts'
import { keepFrom } from './retention.ts'
import { Streams, stateOf } from './streams.ts'

export interface PlatformOptions {
  config: Config
  pipeline: Pipeline
  logger: Logger
  /** Continue with a log that is behind its lake. */
  adopt?: boolean
  /** Called when the process should end, for a supervisor to start it again. */
  onFatal?: (error: PipelineError) => void
}

const housekeepingMs = 30_000
const streamIdleMs = 1_000
/** How long a graceful end waits for a store that fails. What has not landed then does so at the next start. */
const closePatienceMs = 5_000

export class Platform {
  readonly config: Config
  readonly pipeline: Pipeline
  readonly folder: DataFolder
  readonly log: EmbeddedLog
  readonly lake: LocalObjectStore
  readonly epochs: EpochLog
  readonly landing: Landing
  readonly engine: Engine
  readonly catalog: readonly CatalogTable[]
  readonly #logger: Logger
  readonly #sequencer: Sequencer
  readonly #cleaners: Record<CleaningPath, DatasetCleaner[]>
  readonly #streams: Streams
  readonly #sequencing: Worker
  readonly #sinking: Worker
  readonly #keeping: Worker
  #landed: number
  /** How many wait for what is in the log, however young. */
  #hurrying = 0
  #batch: Promise<void> = Promise.resolve()

  private constructor(parts: {
    options: PlatformOptions
    folder: DataFolder
    log: EmbeddedLog
    lake: LocalObjectStore
    tables: LocalObjectStore
    epochs: EpochLog
    landing: Landing
    landed: number
    engine: Engine
  }) {
    const { options, folder, log, lake, tables, epochs, landing, landed, engine } = parts
    this.config = options.config
    this.pipeline = options.pipeline
    this.folder = folder
    this.log = log
    this.lake = lake
    this.epochs = epochs
    this.landing = landing
    this.engine = engine
    this.catalog = catalogOf(options.pipeline, tables, engine)
    this.#logger = options.logger
    this.#landed = landed
    const { take, land, lake: lakeConfig } = options.config
    this.#sequencer = new Sequencer(log, epochs, { topics: lakeConfig.topics, take, land })
    this.#cleaners = { stream: [], batch: [] }
    this.#streams = new Streams(epochs, (name, step) => this.#worker(name, streamIdleMs, step))
    this.#sequencing = this.#worker('sequencing', Math.min(take.ageMs, land.ageMs) / 2, () =>
      this.#sequence(),
    )
    this.#sinking = this.#worker('landing', 1_000, () => this.#land())
    this.#keeping = this.#worker('housekeeping', housekeepingMs, () => this.#keepHouse())
    log.onAppend(() => this.#onAppend())
  }

  /**
   * Open a data folder, and own it. Nothing runs before `start`.
   *
   * @throws DATA_FOLDER_*, LOG_BEHIND_LAKE, LOG_DAMAGED, EPOCHS_DAMAGED, EPOCHS_BEHIND_TABLE, PIPELINE_INVALID
   */
  static async open(options: PlatformOptions): Promise<Platform> {
    const { config, pipeline, logger } = options
    const folder = await DataFolder.open(config.data)
    let platform: Platform | undefined
    let log: EmbeddedLog | undefined
    try {
      await rm(folder.path('tmp'), { recursive: true, force: true })
      for (const name of ['lake', 'tables', 'index', 'tmp'])
        await mkdir(folder.path(name), { recursive: true })
      const lake = new LocalObjectStore(folder.path('lake'))
      const tables = new LocalObjectStore(folder.path('tables'))
      await lake.recover()
      await tables.recover()
      const { recordBytesMax, segmentBytes, freeBytesMin, retentionMs } = config.log
      log = await EmbeddedLog.open(folder.path('log'), {
        recordBytesMax,
        segmentBytes,
        segmentAgeMs: Math.ceil(retentionMs / 7),
        freeBytesMin,
        onFatal: (error) => {
          logger.fatal({ code: error.code }, `${error.message} ${error.next}`)
          options.onFatal?.(error)
        },
      })
      const epochs = await EpochLog.open(lake, pipeline.name)
      const landing = new Landing(lake, pipeline.name, config.lake.topicsFolder)
      const landed = await landing.newest()
      if (!options.adopt) refuseLogBehindLake(log, epochs, folder.root)
      await makeTopics(log, pipeline)
      if (options.adopt) await adoptLog(log, epochs, landed)
      const engine = await Engine.open(engineOptions(config, folder))
      platform = new Platform({ options, folder, log, lake, tables, epochs, landing, landed, engine })
      await platform.#openCleaners(tables)
      return platform
    } catch (error) {
      await (platform ? platform.#closeStores() : log?.close())
      await folder.close()
      throw error
    }
  }

  /** Begin to take, land and clean. */
  start(): void {
    for (const worker of this.#workers()) worker.start()
  }

  /**
   * Take, land and stream-clean everything that is in the log by now, however young; what comes meanwhile is not
   * waited for. A stream that has stopped does not keep the others from it.
   *
   * @param patienceMs how long to wait for what fails and is tried again
   * @param signal ends the waiting
   * @throws what stopped a worker, or fails still, once all else is done; STOPPING by `signal`
   */
  async settle(patienceMs = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + patienceMs
    const settled = this.#settling()
    this.#hurrying++
    try {
      while (!settled()) {
        if (signal?.aborted)
          throw new PipelineError('STOPPING', 'nobody waits any more for what is in the log')
        for (const worker of [this.#sequencing, this.#sinking]) throwIfStopped(worker)
        if (performance.now() > deadline) for (const worker of this.#workers()) throwIfFailing(worker)
        this.#sequencing.wake()
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    } finally {
      this.#hurrying--
    }
    for (const worker of this.#streams.workers) throwIfStopped(worker)
  }

  /** Clean everything that has landed as a batch; calls wait for one another. */
  runBatch(onStep: () => void = () => undefined): Promise<void> {
    const run = this.#batch.then(async () => {
      for (const cleaner of this.#cleaners.batch) while (await cleaner.step()) onStep()
    })
    this.#batch = run.catch(() => undefined)
    return run
  }

  /** Make a dataset's tables anew under its present definition, both ways; its stream cleaning goes on afterwards. */
  rebuild(dataset: string): Promise<void> {
    const rebuilt = this.#batch.then(() => this.#rebuild(dataset))
    this.#batch = rebuilt.catch(() => undefined)
    return rebuilt
  }

  async #rebuild(dataset: string): Promise<void> {
    const cleanerOf = (path: CleaningPath) =>
      this.#cleaners[path].find(({ name }) => name === `${path}.${dataset}`)
    const stream = cleanerOf('stream')
    if (stream) await this.#streams.pausing(stream, () => stream.rebuild())
    await cleanerOf('batch')?.rebuild()
  }

  /** What a query may use: an instance of its own. */
  queryOptions(): EngineOptions {
    return engineOptions(this.config, this.folder)
  }

  /** State of each worker, for health and for people. */
  states(): Record<string, { state: string; error?: string }> {
    return {
      sequencing: stateOf(this.#sequencing),
      landing: stateOf(this.#sinking),
      ...this.#streams.states(),
    }
  }

  /** Finish: land and clean what is in the log, as far as that works, and let go of the folder. */
  async close(): Promise<void> {
    await this.settle(closePatienceMs).catch((error: unknown) =>
      this.#logger.warn(`not everything landed: ${messageOf(error)}`),
    )
    await this.#batch
    await this.abandon()
  }

  /** Let go of the folder without landing what is in the log: the next start does. */
  async abandon(): Promise<void> {
    await Promise.all([...this.#workers()].map((worker) => worker.end()))
    await this.#closeStores()
    await this.folder.close()
  }

  async #closeStores(): Promise<void> {
    for (const cleaner of cleaningPaths.flatMap((path) => this.#cleaners[path])) await cleaner.close()
    await this.log.close()
    this.engine.close()
  }

  async #openCleaners(tables: LocalObjectStore): Promise<void> {
    for (const path of cleaningPaths) {
      for (const dataset of this.pipeline.datasets)
        this.#cleaners[path].push(await this.#openCleaner(dataset, path, tables))
    }
    for (const cleaner of this.#cleaners.stream) this.#streams.add(cleaner)
  }

  async #openCleaner(
    dataset: Dataset,
    path: CleaningPath,
    tables: LocalObjectStore,
  ): Promise<DatasetCleaner> {
    const { groupRecordsMax, groupBytesMax } = this.config.clean
    const cleaner = await DatasetCleaner.open({
      dataset,
      datasets: this.pipeline.datasets,
      path,
      epochs: this.epochs,
      reader: new EpochReader(this.log, this.lake, this.landing),
      landed: () => this.#landed,
      engine: this.engine,
      tables,
      indexFolder: this.folder.path('index'),
      temporaryFolder: this.folder.path('tmp'),
      limits: { recordsMax: groupRecordsMax, bytesMax: groupBytesMax },
      onWarning: (message) => this.#logger.warn(message),
    })
    await cleaner.state()
    return cleaner
  }

  #worker(name: string, idleMs: number, step: () => Promise<boolean>): Worker {
    return new Worker({
      step,
      idleMs,
      onFailure: (error, willRetry) =>
        this.#logger.error(
          { worker: name },
          `${name} ${willRetry ? 'failed, and is tried again' : 'has stopped'}: ${messageOf(error)}`,
        ),
    })
  }

  *#workers(): Generator<Worker> {
    yield this.#sequencing
    yield this.#sinking
    yield* this.#streams.workers
    yield this.#keeping
  }

  #onAppend(): void {
    // Waking on every append would make every take as small as an append: age and size decide.
    if (this.#hurrying > 0) this.#sequencing.wake()
  }

  async #sequence(): Promise<boolean> {
    const entered = await this.#sequencer.step(this.#hurrying > 0)
    if (entered) {
      this.#sinking.wake()
      this.#streams.wake()
    }
    return entered
  }

  async #land(): Promise<boolean> {
    const [next] = await this.epochs.landsAfter(this.#landed)
    if (next === undefined) return false
    await this.landing.land(await this.epochs.landEntry(next), this.log)
    this.#landed = next
    return true
  }

  async #keepHouse(): Promise<boolean> {
    await this.epochs.deleteOldTakes()
    const isTaken = (topic: string): boolean => this.#sequencer.takes(topic)
    const keep = keepFrom(this.epochs, this.#landed, this.#streams.done, isTaken)
    const { retentionMs, retentionBytes } = this.config.log
    const dropped = await this.log.retain({ ageMs: retentionMs, bytesMax: retentionBytes }, keep)
    if (dropped > 0) this.#logger.info(`retention dropped ${dropped} segments of the log`)
    return false
  }

  /** Tells, when asked, whether what is in the log at this moment has been taken, landed and cleaned by streams. */
  #settling(): () => boolean {
    const { epochs, log } = this
    let waiting = log
      .topics()
      .filter(({ name }) => this.#sequencer.takes(name))
      .flatMap(({ name, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({
          topic: name,
          partition,
          to: log.offsets(name, partition).end,
        })),
      )
    let taken: number | undefined
    let land: number | undefined
    return () => {
      waiting = waiting.filter(({ topic, partition, to }) => epochs.position(topic, partition) < to)
      if (waiting.length > 0) return false
      taken ??= epochs.newest
      const epoch = taken
      if (!epochs.openTakes.some((take) => take.epoch <= epoch)) land ??= epochs.newestLand
      return land !== undefined && this.#landed >= land && this.#streams.reached(epoch)
    }
  }
}

function throwIfStopped({ state }: Worker): void {
  if (state.name === 'stopped') throw state.error
}

function throwIfFailing({ state }: Worker): void {
  if ('error' in state) throw state.error
}

async function makeTopics(log: EmbeddedLog, { datasets }: Pipeline): Promise<void> {
  const known = new Set(log.topics().map(({ name }) => name))
  for (const { name, partitioner } of datasets.flatMap(({ topics }) => topics)) {
    if (!known.has(name)) await log.createTopic(name, { partitions: 1, partitioner })
  }
}

function engineOptions(config: Config, folder: DataFolder): EngineOptions {
  return { memoryBytes: config.memory.engineBytes, threads: 2, temporaryFolder: folder.path('tmp') }
}
