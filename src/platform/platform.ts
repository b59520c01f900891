/**
 * Composes the stages over one data folder, and keeps them running.
 *
 *     <data>/pinflow.json, lock, server.json     the folder's format, its owner
 *     <data>/log/                                records as they were acknowledged
 *     <data>/lake/                               epoch log, raw objects, landed markers
 *     <data>/tables/                             Delta tables and their quarantines
 *     <data>/index/, tmp/                        caches and scratch: safe to delete while nothing runs
 */
import type { Logger } from 'pino'
import { type CleaningPath, cleaningPaths, DatasetCleaner, type RestoreTarget } from '../clean/index.ts'
import {
  type Config,
  DataFolder,
  LocalObjectStore,
  messageOf,
  PipelineError,
  Turns,
  Worker,
} from '../core/index.ts'
import { Engine } from '../engine/index.ts'
import { EpochLog, EpochReader, Landing, Sequencer } from '../lake/index.ts'
import type { EmbeddedLog } from '../log/index.ts'
import type { Dataset, Pipeline } from '../pipeline/index.ts'
import { type CatalogTable, catalogOf, QueryPool } from '../query/index.ts'
import { RefusalBook } from '../refusals/index.ts'
import { Datasets } from './datasets.ts'
import { engineOptions, poolOptions } from './engine-options.ts'
import { landNext } from './land-next.ts'
import { adoptLog, refuseLakeAheadOfEpochs, refuseLogBehindLake } from './log-behind-lake.ts'
import { makeFolders } from './make-folders.ts'
import { makeTopics, openLog } from './open-log.ts'
import { refuseOtherPipeline } from './other-pipeline.ts'
import type { PlatformOptions } from './platform-options.ts'
import { keepFrom } from './retention.ts'
import { settling } from './settling.ts'
import { ShareAlarm } from './share-alarm.ts'
import { nextOf, Streams, stateOf, throwIfFailing, throwIfStopped, type WorkerReport } from './streams.ts'
import { type DeletedTopic, deleteTopic } from './topic-deletion.ts'

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
  readonly refusals: RefusalBook
  readonly catalog: readonly CatalogTable[]
  readonly queries: QueryPool
  readonly #logger: Logger
  readonly #sequencer: Sequencer
  readonly #datasets: Datasets
  readonly #streams: Streams
  readonly #sequencing: Worker
  readonly #sinking: Worker
  readonly #keeping: Worker
  #landed: number
  /** How many wait for what is in the log, however young. */
  #hurrying = 0
  /** Entries of the epoch log are made one at a time. */
  #entering: Promise<unknown> = Promise.resolve()
  readonly cleaningTurns = new Turns()

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
    refusals: RefusalBook
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
    this.refusals = parts.refusals
    this.queries = new QueryPool(poolOptions(options.config, folder))
    this.catalog = catalogOf(options.pipeline, tables, engine)
    this.#logger = options.logger
    this.#landed = landed
    const { take, land, lake: lakeConfig } = options.config
    this.#sequencer = new Sequencer(log, epochs, { topics: lakeConfig.topics, take, land })
    const alarm = new ShareAlarm(options.config.quarantine.alertPercent, options.logger)
    this.#streams = new Streams(epochs, alarm, (name, step) => this.#worker(name, streamIdleMs, step))
    this.#datasets = new Datasets(this.#streams)
    this.#sequencing = this.#worker('sequencing', Math.min(take.ageMs, land.ageMs) / 2, () =>
      this.#sequence(),
    )
    this.#sinking = this.#worker('landing', 1_000, () => this.#land())
    this.#keeping = this.#worker('housekeeping', housekeepingMs, () => this.#keepHouse())
    log.onAppend(() => this.#onAppend())
  }

  /**
   * Open a data folder, and own it. Nothing runs before `start`. What is wrong with the tables of a dataset stops that
   * dataset, and is told by `states`; what is wrong with what all of them share is refused.
   *
   * @throws DATA_FOLDER_*, LOG_BEHIND_LAKE, LOG_DAMAGED, EPOCHS_DAMAGED, PIPELINE_INVALID
   */
  static async open(options: PlatformOptions): Promise<Platform> {
    const { config, pipeline, logger } = options
    const folder = await DataFolder.open(config.data)
    let platform: Platform | undefined
    let log: EmbeddedLog | undefined
    try {
      await refuseOtherPipeline(folder, pipeline.name)
      await makeFolders(folder)
      const lake = new LocalObjectStore(folder.path('lake'))
      const tables = new LocalObjectStore(folder.path('tables'))
      await lake.recover()
      await tables.recover()
      log = await openLog(folder.path('log'), config, (error) => {
        logger.fatal({ code: error.code }, `${error.message} ${error.next}`)
        options.onFatal?.(error)
      })
      const epochs = await EpochLog.open(lake, pipeline.name)
      const landing = new Landing(lake, pipeline.name, config.lake.topicsFolder)
      const landed = await landing.newest()
      refuseLakeAheadOfEpochs(epochs, landed)
      if (!options.adopt) refuseLogBehindLake(log, epochs, folder.root)
      await makeTopics(log, pipeline)
      if (options.adopt) await adoptLog(log, epochs, landing)
      const engine = await Engine.open(engineOptions(config, folder))
      const refusals = await RefusalBook.open(folder.path('refusals'))
      const parts = { options, folder, log, lake, tables, epochs, landing, landed, engine, refusals }
      platform = new Platform(parts)
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
    // A stream tells by itself, when it stops.
    for (const { name, trouble } of this.#datasets.batchTroubles)
      this.#logger.error({ worker: name }, `${name} stands still: ${messageOf(trouble)}`)
    for (const name of this.#datasets.paused) this.#warnPaused(name)
    for (const worker of [this.#sequencing, this.#sinking, this.#keeping]) worker.start()
    this.#streams.start()
  }

  /**
   * Take, land and stream-clean everything that is in the log by now, however young; what comes meanwhile is not
   * waited for. A stream that has stopped, or is paused, does not keep the others from it.
   *
   * @param patienceMs how long to wait for what fails and is tried again
   * @param signal ends the waiting
   * @throws what stopped a worker, or fails still, once all else is done; STOPPING by `signal`
   */
  async settle(patienceMs = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + patienceMs
    const settled = settling(this.log, this.epochs, this.#streams, {
      takes: (topic) => this.#sequencer.takes(topic),
      landed: () => this.#landed,
    })
    this.#hurrying++
    try {
      while (!settled()) {
        if (signal?.aborted)
          throw new PipelineError('STOPPING', 'nobody waits any more for what is in the log')
        if (this.#datasets.behind) throw this.#datasets.behind
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

  /**
   * Clean everything that has landed by now as a batch; calls wait for one another.
   *
   * @throws what stands in the way of a dataset, once the others are done
   */
  async runBatch(onStep: () => void = () => undefined): Promise<void> {
    for (const name of this.#datasets.paused) if (name.startsWith('batch.')) this.#warnPaused(name)
    await this.#datasets.runBatch(this.#landed, onStep)
  }

  #warnPaused(name: string): void {
    const [, dataset] = name.split('.')
    this.#logger.warn(`${name} is paused by a restore: \`pinflow tables resume ${dataset}\` lets it go on`)
  }

  /**
   * Make a dataset's tables anew under its present definition, both ways, whatever they were; its stream cleaning goes on
   * afterwards.
   */
  rebuild(dataset: string): Promise<void> {
    return this.#datasets.rebuild(dataset)
  }

  /** Take a dataset's tables back, and pause their cleaning. @returns the epoch of each @throws TABLE_VERSION_UNKNOWN */
  restore(dataset: string, target: RestoreTarget): Promise<Record<string, number>> {
    return this.#datasets.restore(dataset, target)
  }

  /** End that pause. @returns the epoch that each goes on from @throws DEFINITION_CHANGED: then it stays paused */
  resume(dataset: string): Promise<Record<string, number>> {
    return this.#datasets.resume(dataset)
  }

  /**
   * Delete a topic with its records; what of it was taken has landed then, and what was not is entered as skipped.
   *
   * @throws TOPIC_UNKNOWN, and what keeps the epoch log from being written or the lake from being filled
   */
  deleteTopic(name: string): Promise<DeletedTopic> {
    const { log, epochs } = this
    return deleteTopic(name, {
      log,
      epochs,
      isTaken: (topic) => this.#sequencer.takes(topic),
      landed: () => this.#landed,
      enter: (action) => this.#inTurn(action),
      hurry: () => this.#hurry(),
    })
  }

  /** Take and land what waits, soon. @throws what keeps it from happening */
  async #hurry(): Promise<void> {
    for (const worker of [this.#sequencing, this.#sinking]) throwIfFailing(worker)
    if (this.#datasets.behind) throw this.#datasets.behind
    this.#hurrying++
    try {
      this.#sequencing.wake()
      await new Promise((resolve) => setTimeout(resolve, 10))
    } finally {
      this.#hurrying--
    }
  }

  get running(): boolean {
    return this.#streams.started
  }

  /** State of each worker, for health and for people. */
  states(): Record<string, WorkerReport> {
    const { behind } = this.#datasets
    return {
      sequencing: behind ? { state: 'stopped', error: messageOf(behind) } : stateOf(this.#sequencing),
      landing: stateOf(this.#sinking),
      housekeeping: stateOf(this.#keeping),
      ...this.#datasets.states(),
    }
  }

  /** By stream, that too many of its newest records are bad. */
  alerts(): Promise<Record<string, string>> {
    return this.#streams.alerts()
  }

  /** Finish: land and clean what is in the log, as far as that works, and let go of the folder. */
  async close(): Promise<void> {
    const settled = this.#streams.started ? this.settle(closePatienceMs) : Promise.resolve()
    await settled.catch((error: unknown) => this.#logger.warn(`not everything landed: ${messageOf(error)}`))
    await this.#datasets.settled()
    await this.abandon()
  }

  /** Let go of the folder without landing what is in the log: the next start does. */
  async abandon(): Promise<void> {
    await Promise.all([...this.#workers()].map((worker) => worker.end()))
    await this.#closeStores()
    await this.folder.close()
  }

  async #closeStores(): Promise<void> {
    await this.queries.close()
    await this.refusals.close()
    await this.#datasets.close()
    await this.log.close()
    this.engine.close()
  }

  async #openCleaners(tables: LocalObjectStore): Promise<void> {
    const opened = new Map<Dataset, DatasetCleaner>()
    for (const path of cleaningPaths) {
      for (const dataset of this.pipeline.datasets) {
        const parts = this.#cleanerParts(dataset, path, tables)
        const cleaner = await DatasetCleaner.open(parts, opened.get(dataset))
        opened.set(dataset, cleaner)
        await this.#datasets.add(path, cleaner)
      }
    }
  }

  #cleanerParts(dataset: Dataset, path: CleaningPath, tables: LocalObjectStore) {
    const { groupRecordsMax, groupBytesMax } = this.config.clean
    return {
      dataset,
      datasets: this.pipeline.datasets,
      path,
      epochs: this.epochs,
      reader: new EpochReader(this),
      landed: () => this.#landed,
      engine: this.engine,
      tables,
      indexFolder: this.folder.path('index'),
      temporaryFolder: this.folder.path('tmp'),
      limits: { recordsMax: groupRecordsMax, bytesMax: groupBytesMax },
      turns: this.cleaningTurns,
      onWarning: (message: string) => this.#logger.warn(message),
    }
  }

  #worker(name: string, idleMs: number, step: () => Promise<boolean>): Worker {
    return new Worker({
      step,
      idleMs,
      onFailure: (error, willRetry) =>
        this.#logger.error(
          { worker: name },
          `${name} ${willRetry ? 'failed, and is tried again' : 'has stopped'}: ${messageOf(error)}${nextOf(error)}`,
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
    // A fork of the epoch log could pass for its history, once it is as long.
    if (this.#datasets.behind) return false
    const entered = await this.#inTurn(() => this.#sequencer.step(this.#hurrying > 0))
    if (entered) {
      this.#sinking.wake()
      this.#streams.wake()
    }
    return entered
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#entering.then(action)
    this.#entering = done.catch(() => undefined)
    return done
  }

  async #land(): Promise<boolean> {
    const next = await landNext(this.epochs, this.landing, this.log, this.#landed)
    if (next === undefined) return false
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
}
