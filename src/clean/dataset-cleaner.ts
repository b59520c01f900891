import { AssertionError } from 'node:assert'
import { rename, rm } from 'node:fs/promises'
import { isSystemError, messageOf, type ObjectStore, PipelineError, type Turns } from '../core/index.ts'
import type { Engine } from '../engine/index.ts'
import type { Epoch, EpochLog, EpochReader } from '../lake/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import { type AddFile, decodePath } from '../table/index.ts'
import { DuckDbCleaner } from './duckdb/cleaner.ts'
import { type GroupLimits, nextGroup } from './group.ts'
import { KeyIndex, type KeyIndexState } from './key-index.ts'
import { matchIndex } from './match-index.ts'
import { type CleaningPath, emptyAccount, nextGeneration, type Origin, type PairState } from './pair-state.ts'
import { PairWatch, type Standing } from './pair-watch.ts'
import type { RestoreTarget } from './restore.ts'
import { Stager } from './stager.ts'
import { type PairCommit, type RestorePoint, TablePair } from './table-pair.ts'

export interface CleanerParts {
  dataset: Dataset
  /** All of the pipeline's: what is foreign to one is another's. */
  datasets: readonly Dataset[]
  path: CleaningPath
  epochs: EpochLog
  reader: EpochReader
  /** Newest land that is in the lake. */
  landed: () => number
  engine: Engine
  tables: ObjectStore
  /** Key indexes live here: caches, safe to delete while nothing runs. */
  indexFolder: string
  temporaryFolder: string
  limits: GroupLimits
  /** All cleaners': one group is in memory at a time. */
  turns: Turns
  onWarning: (message: string) => void
}

/**
 * The one core of cleaning, for one dataset and one of its two tables: epochs in order, in groups, through the
 * dataset's text and the key rule, into data and quarantine table. What becomes of a record depends on the epoch log
 * alone; how epochs are grouped, and whether records come from log or lake, does not show in the tables.
 */
export class DatasetCleaner {
  readonly pair: TablePair
  readonly #parts: CleanerParts
  readonly #cleaner: DuckDbCleaner
  readonly #stager: Stager
  readonly #topics: ReadonlySet<string>
  readonly #watch: PairWatch
  #index: KeyIndex
  /** Epochs up to `to` hold nothing for this dataset beyond those in the table, while it stands at this epoch. */
  #seen = { generation: 0, dataEpoch: 0, to: 0 }

  private constructor(parts: CleanerParts, cleaner: DuckDbCleaner) {
    this.#parts = parts
    this.#cleaner = cleaner
    this.#topics = new Set(parts.dataset.topics.map(({ name }) => name))
    this.pair = new TablePair(parts.tables, parts.engine, parts.dataset, parts.path, parts.epochs.id)
    this.#stager = new Stager(parts, cleaner, this.pair, this.#topics)
    this.#index = new KeyIndex(this.#indexPath('keys'))
    if (this.#index.damage !== undefined)
      parts.onWarning(`the key index of ${this.name} is made again: ${this.#index.damage}`)
    const { path, epochs, onWarning } = parts
    this.#watch = new PairWatch({
      name: this.name,
      path,
      pair: this.pair,
      schema: cleaner.schema,
      topics: this.#topics,
      epochs,
      onWarning,
    })
  }

  /**
   * Looks at no table: the first step, or `state`, does.
   *
   * @param other of the same dataset, on the same engine: its text, which has been checked, serves both
   * @throws PIPELINE_INVALID when the cleaning text cannot make a table
   */
  static async open(parts: CleanerParts, other?: DatasetCleaner): Promise<DatasetCleaner> {
    const cleaner = other ? other.#cleaner : await DuckDbCleaner.open(parts.engine, parts.dataset)
    return new DatasetCleaner(parts, cleaner)
  }

  /** `stream.pin` */
  get name(): string {
    return `${this.#parts.path}.${this.#parts.dataset.name}`
  }

  /** Undefined until the tables could be looked at. */
  get standing(): Standing | undefined {
    return this.#watch.standing
  }

  /** @see PairWatch.state */
  state(): Promise<PairState> {
    return this.#watch.state()
  }

  /**
   * Clean the next group, if there is one.
   *
   * @param until a batch goes no further than this land
   * @returns whether there may be more to do
   * @throws DEFINITION_CHANGED when the tables were made by another definition
   */
  step(until = Number.POSITIVE_INFINITY): Promise<boolean> {
    return storeErrors(this.name, () => this.#step(until))
  }

  async #step(until: number): Promise<boolean> {
    const state = await this.state()
    if (state.restoring !== undefined) {
      await this.#watch.finishRestore(state, state.restoring)
      return true
    }
    if (state.rebuilding) return this.#rebuildOnce(state)
    if (state.pausedAt !== undefined) return false
    this.#refuseOtherDefinition(state)
    if (this.#watch.holdsVoid(state)) {
      this.#parts.onWarning(`${this.name} holds records that were lost since: it is made anew from the lake`)
      return this.#rebuildOnce(state)
    }
    const group = await nextGroup(
      this.#parts.epochs,
      this.#reached(state),
      this.#topics,
      this.#parts.limits,
      this.#landedLimit(until),
    )
    if (!group) return false
    if (this.#parts.dataset.key.length > 0)
      await matchIndex(this.#index, this.pair.data, state, (relation) => this.#cleaner.keysSql(relation))
    const { account, quarantineEpoch } = state
    const base = { account, quarantineEpoch, contents: state.data, index: this.#index }
    const staged = await this.#stager.stage(group.epochs, base).catch((error: unknown) => {
      const isGone = error instanceof PipelineError && error.code === 'LAKE_DAMAGED'
      if (isGone && this.#hasLandedSince(group.epochs)) return undefined
      throw error
    })
    if (!staged) return true
    if (staged.account.read === account.read) {
      const { generation, dataEpoch } = state
      this.#seen = { generation, dataEpoch, to: group.to }
      return true
    }
    const origin = this.#origin(group.toTimeMs)
    const version = await this.pair.commit(state, { ...staged, epoch: group.to, origin })
    if (version === undefined) return true
    await this.#index.write(staged.keys, await this.#indexStateAt(state, state.generation, version))
    await this.#maintain()
    return true
  }

  /** @throws what a step would stop at */
  async check(): Promise<void> {
    const state = await this.state()
    const isWhole = !state.rebuilding && state.restoring === undefined && state.pausedAt === undefined
    if (isWhole) this.#refuseOtherDefinition(state)
  }

  #refuseOtherDefinition({ definition }: PairState): void {
    if (definition === this.#parts.dataset.definition) return
    const tables = `the tables ${this.name} were made by another definition (schema, key or cleaning text)`
    throw new PipelineError('DEFINITION_CHANGED', `${tables}; their cleaning stands still`)
  }

  /**
   * Make both tables anew from all that has landed by now, under the present definition, whatever they were made of or have
   * become; readers see it all at once. A pause ends.
   */
  rebuild(): Promise<void> {
    return storeErrors(this.name, () => this.#rebuild())
  }

  async #rebuild(): Promise<void> {
    const watch = this.#watch
    const { generation } = await watch.anyState()
    for (;;) {
      await this.#rebuildOnce(await watch.anyState())
      const now = await watch.anyState()
      const done = now.generation > generation && !now.rebuilding && now.restoring === undefined
      if (done && now.definition === this.#parts.dataset.definition) break
    }
    await watch.state()
  }

  /** Where a restore would lead to. @throws TABLE_VERSION_UNKNOWN when that is no longer there */
  restorePoint(target: RestoreTarget): Promise<RestorePoint> {
    return this.#watch.restorePoint(target)
  }

  /** Take both tables back to a point, and stand still there until `resume` or `rebuild`. @returns the epoch */
  restore(point: RestorePoint): Promise<number> {
    return storeErrors(this.name, () => this.#watch.restore(point))
  }

  /**
   * Go on after a restore.
   *
   * @returns the epoch that it goes on from; undefined where nothing was paused
   * @throws DEFINITION_CHANGED where it was restored to tables of another definition: then it stays paused
   */
  resume(): Promise<number | undefined> {
    return storeErrors(this.name, () => this.#watch.resume((state) => this.#refuseOtherDefinition(state)))
  }

  async close(): Promise<void> {
    await this.#index.close()
  }

  /** The epoch to go on after. What was seen does not count once another worker has moved or rebuilt the table. */
  #reached({ generation, dataEpoch }: PairState): number {
    const seen = this.#seen
    return seen.generation === generation && seen.dataEpoch === dataEpoch ? seen.to : dataEpoch
  }

  /** Whether the lake has by now what the log may have let go of. */
  #hasLandedSince(epochs: readonly Epoch[]): boolean {
    return epochs.some(({ epoch, land }) => land === undefined && this.#parts.epochs.newestLand > epoch)
  }

  /** @param epochTimeMs when the last epoch was taken that is in the tables */
  #origin(epochTimeMs?: number): Origin {
    return { voids: this.#parts.epochs.voids.length, ...(epochTimeMs !== undefined && { epochTimeMs }) }
  }

  /** @returns true: whether it was committed or another worker was first shows in the state */
  async #rebuildOnce(state: PairState): Promise<boolean> {
    const index = new KeyIndex(this.#indexPath('rebuild'))
    try {
      const rebuilt = await this.#stageAll(state, index)
      const version = await this.pair.replace(state, this.#cleaner.schema, rebuilt)
      if (version !== undefined) {
        await index.write([], await this.#indexStateAt(state, nextGeneration(state), version))
        await this.#adopt(index)
      }
    } finally {
      await index.drop()
    }
    return true
  }

  /**
   * Clean all that has landed by now, from the first epoch on; stages files, and fills the index with their keys. What
   * lands meanwhile is left to steps: as long as records came there would be no end.
   */
  async #stageAll({ data }: PairState, index: KeyIndex): Promise<PairCommit> {
    const { epochs, limits, landed } = this.#parts
    const until = landed()
    await index.clear()
    const files = new Map<string, AddFile>()
    const contents = { schema: this.#cleaner.schema, metaData: data.metaData, files }
    const quarantined: AddFile[] = []
    let account = emptyAccount
    let epoch = 0
    let origin = this.#origin()
    for (;;) {
      const group = await nextGroup(epochs, epoch, this.#topics, limits, until)
      if (!group) return { epoch, rows: [...files.values()], quarantined, account, origin }
      const staged = await this.#stager.stage(group.epochs, { account, quarantineEpoch: 0, contents, index })
      for (const path of staged.replaced) files.delete(path)
      for (const add of staged.rows) files.set(decodePath(add.path), add)
      quarantined.push(...staged.quarantined)
      await index.write(staged.keys)
      account = staged.account
      epoch = group.to
      origin = this.#origin(group.toTimeMs)
    }
  }

  /** Go on with the index of a rebuild. */
  async #adopt(index: KeyIndex): Promise<void> {
    await Promise.all([index.close(), this.#index.close()])
    try {
      await rename(index.path, this.#index.path)
      await rm(`${this.#index.path}-lock`, { force: true })
    } finally {
      this.#index = new KeyIndex(this.#index.path)
    }
  }

  /** Checkpoints where due. A failure only makes reading slower, and is tried again after the next commit. */
  async #maintain(): Promise<void> {
    for (const table of [this.pair.data, this.pair.quarantine]) {
      const { failure } = await table.maintain()
      if (failure !== undefined)
        this.#parts.onWarning(`the checkpoint of ${table.prefix} failed: ${messageOf(failure)}`)
    }
  }

  async #indexStateAt({ data }: PairState, generation: number, version: number): Promise<KeyIndexState> {
    const commit = (await this.pair.data.commitInfo(version))?.txnId
    return { tableId: data.metaData.id, generation, version, commit }
  }

  #landedLimit(until: number): number | undefined {
    return this.#parts.path === 'stream' ? undefined : Math.min(until, this.#parts.landed())
  }

  #indexPath(kind: string): string {
    return `${this.#parts.indexFolder}/${this.name}.${kind}.lmdb`
  }
}

/**
 * Scratch files, key index and engine fail with errors of their own when the disk does: those are the store's, and
 * worth another try. A programming error stays what it is.
 */
async function storeErrors<T>(name: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    const ours = error instanceof PipelineError || error instanceof TypeError || error instanceof RangeError
    if (ours || error instanceof AssertionError) throw error
    const full = isSystemError(error, 'ENOSPC', 'EDQUOT') || /No space left on device/i.test(messageOf(error))
    throw new PipelineError(full ? 'STORE_FULL' : 'STORE_FAILED', `cleaning ${name}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
