import { AssertionError } from 'node:assert'
import { rename, rm } from 'node:fs/promises'
import { isSystemError, messageOf, type ObjectStore, PipelineError } from '../core/index.ts'
import type { Epoch, EpochLog, EpochReader, EpochRecord } from '../lake/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import {
  type AddFile,
  decodePath,
  type Engine,
  type Snapshot,
  scanSql,
  writeParquet,
} from '../table/index.ts'
import { type CleanedGroup, DuckDbCleaner } from './duckdb/cleaner.ts'
import { type GroupLimits, nextGroup } from './group.ts'
import { KeyIndex } from './key-index.ts'
import { applyKeyRule, type KeyOutcome } from './key-rule.ts'
import { matchIndex } from './match-index.ts'
import { type Prepared, Preparer, preparedLine } from './prepare.ts'
import { writeQuarantine } from './quarantine.ts'
import type { Bad } from './reason.ts'
import {
  type Account,
  type CleaningPath,
  emptyAccount,
  nextGeneration,
  type PairCommit,
  type PairState,
  TablePair,
} from './table-pair.ts'

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
  onWarning: (message: string) => void
}

/** What is added to, while it is not committed yet. */
interface Base {
  account: Account
  quarantineEpoch: number
  contents: TableContents
  index: KeyIndex
}

type TableContents = Pick<Snapshot, 'schema' | 'metaData' | 'files'>

/**
 * The one core of cleaning, for one dataset and one of its two tables: epochs in order, in groups, through the
 * dataset's text and the key rule, into data and quarantine table. What becomes of a record depends on the epoch log
 * alone; how epochs are grouped, and whether records come from log or lake, does not show in the tables.
 */
export class DatasetCleaner {
  readonly pair: TablePair
  readonly #parts: CleanerParts
  readonly #cleaner: DuckDbCleaner
  readonly #preparer: Preparer
  readonly #topics: ReadonlySet<string>
  #index: KeyIndex
  /** Epochs up to `to` hold nothing for this dataset beyond those in the table, while it stands at this epoch. */
  #seen = { generation: 0, dataEpoch: 0, to: 0 }

  private constructor(parts: CleanerParts, cleaner: DuckDbCleaner) {
    this.#parts = parts
    this.#cleaner = cleaner
    this.#preparer = new Preparer(parts.dataset, parts.datasets)
    this.#topics = new Set(parts.dataset.topics.map(({ name }) => name))
    this.pair = new TablePair(parts.tables, parts.engine, parts.dataset, parts.path, parts.epochs.id)
    this.#index = new KeyIndex(this.#indexPath('keys'))
  }

  /** Make the tables where they are missing. @throws PIPELINE_INVALID when the cleaning text cannot make a table */
  static async open(parts: CleanerParts): Promise<DatasetCleaner> {
    const cleaner = await DuckDbCleaner.open(parts.engine, parts.dataset, parts.temporaryFolder)
    const opened = new DatasetCleaner(parts, cleaner)
    await opened.pair.create(cleaner.schema)
    return opened
  }

  /** `stream.pin` */
  get name(): string {
    return `${this.#parts.path}.${this.#parts.dataset.name}`
  }

  /** The state of the tables. @throws EPOCHS_BEHIND_TABLE */
  async state(): Promise<PairState> {
    const { epochs } = this.#parts
    try {
      return await this.pair.state(epochs.newest)
    } catch (error) {
      if (!(error instanceof PipelineError && error.code === 'EPOCHS_BEHIND_TABLE')) throw error
      // Another worker may have entered what this one has not read yet.
      await epochs.refresh()
      return this.pair.state(epochs.newest)
    }
  }

  /**
   * Clean the next group, if there is one.
   *
   * @returns whether there may be more to do
   * @throws DEFINITION_CHANGED when the tables were made by another definition
   */
  step(): Promise<boolean> {
    return storeErrors(this.name, () => this.#step())
  }

  async #step(): Promise<boolean> {
    const state = await this.state()
    if (state.rebuilding) return this.#rebuildOnce(state)
    if (state.definition !== this.#parts.dataset.definition) {
      const tables = `the tables ${this.name} were made by another definition (schema, key or cleaning text)`
      throw new PipelineError('DEFINITION_CHANGED', `${tables}; their cleaning stands still`)
    }
    const group = await nextGroup(
      this.#parts.epochs,
      this.#reached(state),
      this.#topics,
      this.#parts.limits,
      this.#landedLimit(),
    )
    if (!group) return false
    if (this.#parts.dataset.key.length > 0)
      await matchIndex(this.#index, this.pair.data, state, (relation) => this.#cleaner.keysSql(relation))
    const { account, quarantineEpoch } = state
    const base = { account, quarantineEpoch, contents: state.data, index: this.#index }
    const staged = await this.#clean(group.epochs, base)
    if (staged.account.read === account.read) {
      const { generation, dataEpoch } = state
      this.#seen = { generation, dataEpoch, to: group.to }
      return true
    }
    const version = await this.pair.commit(state, { ...staged, epoch: group.to })
    if (version === undefined) return true
    const { id: tableId } = state.data.metaData
    await this.#index.write(staged.keys, { tableId, generation: state.generation, version })
    await this.#maintain()
    return true
  }

  /** Make both tables anew from all that has landed, under the present definition; readers see it all at once. */
  rebuild(): Promise<void> {
    return storeErrors(this.name, () => this.#rebuild())
  }

  async #rebuild(): Promise<void> {
    const { generation } = await this.state()
    for (;;) {
      await this.#rebuildOnce(await this.state())
      const now = await this.state()
      if (now.generation > generation && !now.rebuilding && now.definition === this.#parts.dataset.definition)
        return
    }
  }

  async close(): Promise<void> {
    await this.#index.close()
  }

  /** The epoch to go on after. What was seen does not count once another worker has moved or rebuilt the table. */
  #reached({ generation, dataEpoch }: PairState): number {
    const seen = this.#seen
    return seen.generation === generation && seen.dataEpoch === dataEpoch ? seen.to : dataEpoch
  }

  /** @returns true: whether it was committed or another worker was first shows in the state */
  async #rebuildOnce(state: PairState): Promise<boolean> {
    const index = new KeyIndex(this.#indexPath('rebuild'))
    try {
      const rebuilt = await this.#stageAll(state, index)
      const version = await this.pair.replace(state, this.#cleaner.schema, rebuilt)
      if (version !== undefined) {
        const { id: tableId } = state.data.metaData
        await index.write([], { tableId, generation: nextGeneration(state), version })
        await this.#adopt(index)
      }
    } finally {
      await index.drop()
    }
    return true
  }

  /** Clean all that has landed, from the first epoch on; stages files, and fills the index with their keys. */
  async #stageAll({ data }: PairState, index: KeyIndex): Promise<PairCommit> {
    const { epochs, limits, landed } = this.#parts
    await index.clear()
    const files = new Map<string, AddFile>()
    const contents = { schema: this.#cleaner.schema, metaData: data.metaData, files }
    const quarantined: AddFile[] = []
    let account = emptyAccount
    let epoch = 0
    for (;;) {
      const group = await nextGroup(epochs, epoch, this.#topics, limits, landed())
      if (!group) return { epoch, rows: [...files.values()], quarantined, account }
      const staged = await this.#clean(group.epochs, { account, quarantineEpoch: 0, contents, index })
      for (const path of staged.replaced) files.delete(path)
      for (const add of staged.rows) files.set(decodePath(add.path), add)
      quarantined.push(...staged.quarantined)
      await index.write(staged.keys)
      account = staged.account
      epoch = group.to
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

  /** Clean epochs on top of `base`; stages files, commits nothing. */
  async #clean(
    epochs: readonly Epoch[],
    base: Base,
  ): Promise<Omit<PairCommit, 'epoch'> & { keys: KeyOutcome['keys']; replaced: string[] }> {
    const { dataset, path, engine, tables, reader } = this.#parts
    const records: EpochRecord[] = []
    const bad = new Map<number, Bad>()
    const lines: string[] = []
    let unwrapped = 0
    for (const epoch of epochs) {
      for await (const record of reader.read(epoch, this.#topics, path === 'stream' ? 'log' : 'lake')) {
        const prepared: Prepared = this.#preparer.prepare(record.value)
        if (prepared.unwrapped) unwrapped++
        if (prepared.bad) bad.set(records.length, prepared.bad)
        else lines.push(preparedLine(records.length, prepared.row.fields))
        records.push(record)
      }
    }
    const outcome: KeyOutcome = { keys: new Map(), differing: [], duplicates: 0, added: 0, replacedKeys: [] }
    const rows: AddFile[] = []
    let replaced: string[] = []
    if (lines.length > 0) {
      const group = await this.#cleaner.clean(lines)
      try {
        for (const [place, why] of group.bad) bad.set(place, why)
        Object.assign(outcome, await applyKeyRule(group, base.index, dataset.onDuplicate))
        for (const place of outcome.differing) bad.set(place, { reason: 'DUPLICATE_KEY_DIFFERS' })
        const prefix = this.pair.data.prefix
        const written = await writeParquet(
          group.session,
          tables,
          prefix,
          group.goodRowsSql(),
          this.#cleaner.schema,
        )
        if (written) rows.push(written)
        if (outcome.replacedKeys.length > 0) {
          const rewritten = await this.#rewriteWithout(group, base.contents, outcome.replacedKeys)
          replaced = rewritten.replaced
          rows.push(...rewritten.rows)
        }
      } finally {
        group.close()
      }
    }
    const fresh = [...bad]
      .filter(([place]) => (records[place]?.epoch ?? 0) > base.quarantineEpoch)
      .sort(([a], [b]) => a - b)
    const entries = fresh.map(([place, why]) => ({ record: records[place] as EpochRecord, ...why }))
    const quarantined = await writeQuarantine(
      engine,
      tables,
      this.pair.quarantine.prefix,
      this.#parts.temporaryFolder,
      entries,
    )
    const account: Account = {
      read: base.account.read + records.length,
      rows: base.account.rows + outcome.added,
      duplicates: base.account.duplicates + outcome.duplicates,
      quarantined: base.account.quarantined + bad.size,
      unwrapped: base.account.unwrapped + unwrapped,
    }
    return { rows, quarantined, account, keys: outcome.keys, replaced }
  }

  /** Write the files that hold rows with these keys anew, without those rows. */
  async #rewriteWithout(
    { session }: CleanedGroup,
    snapshot: TableContents,
    keys: readonly string[],
  ): Promise<{ rows: AddFile[]; replaced: string[] }> {
    const { tables } = this.#parts
    const prefix = this.pair.data.prefix
    const rows: AddFile[] = []
    const replaced: string[] = []
    await session.run('CREATE TEMP TABLE replaced_keys (key VARCHAR)')
    await session.append('replaced_keys', keys)
    for (const [path, file] of snapshot.files) {
      const relation = await scanSql(tables, prefix, { ...snapshot, files: new Map([[path, file]]) })
      const key = this.#cleaner.keySql()
      const [found] = await session.rows(
        `SELECT count(*) AS count FROM ${relation} WHERE ${key} IN (SELECT key FROM replaced_keys)`,
      )
      if (found?.count === 0) continue
      replaced.push(path)
      const rest = `SELECT * FROM ${relation} WHERE ${key} NOT IN (SELECT key FROM replaced_keys)`
      const written = await writeParquet(session, tables, prefix, rest, this.#cleaner.schema)
      if (written) rows.push(written)
    }
    return { rows, replaced }
  }

  /** Checkpoints where due. A failure only makes reading slower, and is tried again after the next commit. */
  async #maintain(): Promise<void> {
    for (const table of [this.pair.data, this.pair.quarantine]) {
      const { failure } = await table.maintain()
      if (failure !== undefined)
        this.#parts.onWarning(`the checkpoint of ${table.prefix} failed: ${messageOf(failure)}`)
    }
  }

  #landedLimit(): number | undefined {
    return this.#parts.path === 'stream' ? undefined : this.#parts.landed()
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
