/**
 * A data table with its quarantine table, and the one rule for their commits.
 *
 * The state of the pair is (generation, epoch of the data table, epoch of the quarantine table); the epochs are the
 * tables' `txn` versions under the appId of that generation. The quarantine table commits first, then the data
 * table. Each commit names the versions it was computed from and goes in at the next one; where another commit
 * stands, only `dataChange: false` ones may lie between, else the work is computed again. Rows at or below a table's
 * epoch are in it, so what is done again is left out.
 *
 * A rebuild replaces both, quarantine first, with a generation that neither has had. While the generations differ,
 * nothing else commits: a restart finishes the rebuild, with a generation of its own, so that the two tables of one
 * generation are always the work of one worker.
 */
import { type ObjectStore, PipelineError } from '../core/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import {
  type Action,
  type AddFile,
  createActions,
  DeltaTable,
  decodePath,
  type Engine,
  overwriteActions,
  redefineAction,
  removeOf,
  type Snapshot,
  type TableSchema,
  type Txn,
} from '../table/index.ts'

export type CleaningPath = 'stream' | 'batch'
export const cleaningPaths: readonly CleaningPath[] = ['stream', 'batch']

/** What has become of the records of a dataset so far: `read = rows + duplicates + quarantined`. */
export interface Account {
  read: number
  rows: number
  duplicates: number
  quarantined: number
  /** Of the records read, how many were unwrapped from a string or base64. */
  unwrapped: number
}

export const emptyAccount: Account = { read: 0, rows: 0, duplicates: 0, quarantined: 0, unwrapped: 0 }

export interface PairState {
  data: Snapshot
  quarantine: Snapshot
  generation: number
  dataEpoch: number
  quarantineEpoch: number
  account: Account
  /** Definition the pair was made by. */
  definition: string
  /** The quarantine table is a generation ahead: only the rebuild that began may commit. */
  rebuilding: boolean
}

/** Columns of every quarantine table. Times, key and headers are null where the record was read from the lake. */
export const quarantineSchema: TableSchema = [
  { name: 'epoch', type: 'long' },
  { name: 'topic', type: 'string' },
  { name: 'partition', type: 'integer' },
  { name: 'offset', type: 'long' },
  { name: 'reason', type: 'string' },
  { name: 'detail', type: 'string' },
  { name: 'value', type: 'binary' },
  { name: 'key', type: 'binary' },
  { name: 'headers', type: 'string' },
  { name: 'timestamp', type: 'timestamp' },
  { name: 'append_time', type: 'timestamp' },
]

/** What one group, or one rebuild, adds. */
export interface PairCommit {
  /** The last epoch it covers. */
  epoch: number
  rows: AddFile[]
  quarantined: AddFile[]
  /** Data files that `rows` replaces (`onDuplicate: 'last'`), decoded paths. */
  replaced?: readonly string[]
  /** Cumulative, after this commit. */
  account: Account
}

export class TablePair {
  readonly data: DeltaTable
  readonly quarantine: DeltaTable
  readonly #dataset: Dataset
  readonly #path: CleaningPath
  readonly #epochLogId: string

  constructor(tables: ObjectStore, engine: Engine, dataset: Dataset, path: CleaningPath, epochLogId: string) {
    this.data = new DeltaTable(tables, dataTablePrefix(dataset.name, path), engine)
    this.quarantine = new DeltaTable(tables, quarantineTablePrefix(dataset.name, path), engine)
    this.#dataset = dataset
    this.#path = path
    this.#epochLogId = epochLogId
  }

  /** Make whichever of the two tables is missing; another worker may be first. */
  async create(schema: TableSchema): Promise<void> {
    for (const [table, columns] of [
      [this.quarantine, quarantineSchema],
      [this.data, schema],
    ] as const) {
      if (await table.snapshot()) continue
      const info = { commitInfo: this.#commitInfo('CREATE TABLE', 0, 0, emptyAccount) }
      await table.commit(0, [info, ...createActions(columns, this.#configuration(0), Date.now())])
    }
  }

  /** @throws EPOCHS_BEHIND_TABLE when a table is of another epoch log, or ahead of it */
  async state(newestEpoch: number): Promise<PairState> {
    // In the order of their commits, so that a rebuild that ends meanwhile is not taken for one that was cut off.
    const quarantine = await this.quarantine.snapshot()
    const data = await this.data.snapshot()
    if (!data || !quarantine) throw new PipelineError('TABLE_DAMAGED', `the tables of ${this.#name} are gone`)
    const generation = generationOf(data)
    const state = {
      data,
      quarantine,
      generation,
      dataEpoch: data.txns.get(this.#appId(generation)) ?? 0,
      quarantineEpoch: quarantine.txns.get(`${this.#appId(generation)}/quarantine`) ?? 0,
      account: await accountOf(this.data, data),
      definition: data.metaData.configuration['pinflow.definition'] ?? '',
      rebuilding: generationOf(quarantine) !== generation,
    }
    for (const { metaData } of [data, quarantine]) {
      const of = metaData.configuration['pinflow.epochLog']
      if (of === this.#epochLogId) continue
      throw new PipelineError(
        'EPOCHS_BEHIND_TABLE',
        `the tables of ${this.#name} are of epoch log ${of}, not of ${this.#epochLogId}`,
      )
    }
    if (Math.max(state.dataEpoch, state.quarantineEpoch) > newestEpoch) {
      const ahead = `the tables of ${this.#name} are at epoch ${state.dataEpoch}`
      throw new PipelineError('EPOCHS_BEHIND_TABLE', `${ahead}, the epoch log ends at ${newestEpoch}`)
    }
    return state
  }

  /**
   * Commit a group: quarantine, then data. Files that no commit names in the end are deleted.
   *
   * @returns the data table's new version; undefined when the pair is no longer in `state`: compute again
   */
  async commit(state: PairState, group: PairCommit): Promise<number | undefined> {
    const { generation } = state
    if (group.quarantined.length > 0) {
      const version = await this.#commitAfter(this.quarantine, state.quarantine, (snapshot) => [
        { commitInfo: this.#commitInfo('WRITE', group.epoch, generation, group.account, snapshot.version) },
        { txn: this.#txn(generation, '/quarantine', group.epoch) },
        ...group.quarantined.map((add) => ({ add })),
      ])
      if (version === undefined) {
        await discard(this.quarantine, group.quarantined)
        return discard(this.data, group.rows)
      }
    }
    const quarantine = await this.quarantine.snapshot()
    const version =
      quarantine && generationOf(quarantine) === generation
        ? await this.#commitAfter(this.data, state.data, (snapshot) => {
            const removes = removesOf(snapshot, group.replaced ?? [])
            if (!removes) return undefined
            const info = this.#commitInfo('WRITE', group.epoch, generation, group.account, snapshot.version)
            const adds = group.rows.map((add) => ({ add }))
            return [
              { commitInfo: info },
              { txn: this.#txn(generation, '', group.epoch) },
              ...removes,
              ...adds,
            ]
          })
        : undefined
    return version ?? discard(this.data, group.rows)
  }

  /**
   * Replace both tables by a rebuild of a new generation, under the present definition: quarantine, then data.
   *
   * @returns the data table's new version; undefined when the pair is no longer in `state`: compute again
   */
  async replace(state: PairState, schema: TableSchema, rebuilt: PairCommit): Promise<number | undefined> {
    const generation = nextGeneration(state)
    const replaceOne = (
      table: DeltaTable,
      from: Snapshot,
      adds: AddFile[],
      suffix: '' | '/quarantine',
      columns: TableSchema,
    ) =>
      this.#commitAfter(table, from, (snapshot) => [
        {
          commitInfo: this.#commitInfo(
            'REBUILD',
            rebuilt.epoch,
            generation,
            rebuilt.account,
            snapshot.version,
          ),
        },
        { txn: this.#txn(generation, suffix, rebuilt.epoch) },
        redefineAction(snapshot, columns, this.#configuration(generation)),
        ...overwriteActions(snapshot, adds, Date.now()),
      ])
    const { quarantined, rows } = rebuilt
    if (
      (await replaceOne(this.quarantine, state.quarantine, quarantined, '/quarantine', quarantineSchema)) ===
      undefined
    ) {
      await discard(this.quarantine, quarantined)
      return discard(this.data, rows)
    }
    return (await replaceOne(this.data, state.data, rows, '', schema)) ?? discard(this.data, rows)
  }

  /**
   * The commit point of either table.
   *
   * @param actions undefined where they cannot follow a version
   * @returns undefined then, and when another commit changed what the table says
   */
  async #commitAfter(
    table: DeltaTable,
    from: Snapshot,
    actions: (snapshot: Snapshot) => Action[] | undefined,
  ): Promise<number | undefined> {
    for (let snapshot = from; ; ) {
      const version = snapshot.version + 1
      const next = actions(snapshot)
      if (!next) return undefined
      if (await table.commit(version, next)) return version
      const newest = await table.snapshot()
      if (!newest || !(await onlyMaintenance(table, snapshot.version, newest.version))) return undefined
      snapshot = newest
    }
  }

  get #name(): string {
    return `${this.#path}.${this.#dataset.name}`
  }

  #appId(generation: number): string {
    return `pinflow/${this.#epochLogId}/${generation}/${this.#dataset.name}/${this.#path}`
  }

  #txn(generation: number, suffix: '' | '/quarantine', version: number): Txn {
    return { appId: this.#appId(generation) + suffix, version, lastUpdated: Date.now() }
  }

  #configuration(generation: number): Record<string, string> {
    return {
      'pinflow.epochLog': this.#epochLogId,
      'pinflow.generation': String(generation),
      'pinflow.definition': this.#dataset.definition,
    }
  }

  #commitInfo(operation: string, epoch: number, generation: number, account: Account, readVersion?: number) {
    return {
      operation,
      operationParameters: {},
      isBlindAppend: false,
      ...(readVersion !== undefined && { readVersion }),
      pinflow: { dataset: this.#dataset.name, path: this.#path, epoch, generation, ...account },
    }
  }
}

export function dataTablePrefix(dataset: string, path: CleaningPath): string {
  return `${path}/${dataset}`
}

export function quarantineTablePrefix(dataset: string, path: CleaningPath): string {
  return `quarantine/${path}/${dataset}`
}

export function nextGeneration({ data, quarantine }: PairState): number {
  return 1 + Math.max(generationOf(data), generationOf(quarantine))
}

export function generationOf({ metaData }: Snapshot): number {
  return Number(metaData.configuration['pinflow.generation'] ?? 0)
}

/** The account of a data table at a version: of its last commit that carries one. */
export async function accountOf(table: DeltaTable, { version, commitInfo }: Snapshot): Promise<Account> {
  let info = commitInfo
  for (let at = version; at >= 0; at--) {
    if (at < version) info = await table.commitInfo(at)
    const carried = info?.pinflow as Account | undefined
    if (!carried) continue
    const { read, rows, duplicates, quarantined, unwrapped } = carried
    return { read, rows, duplicates, quarantined, unwrapped }
  }
  throw new PipelineError('TABLE_DAMAGED', `no commit of the table at ${table.prefix} carries an account`)
}

async function onlyMaintenance(table: DeltaTable, after: number, to: number): Promise<boolean> {
  let next = after + 1
  for await (const { version, actions } of table.commits(next)) {
    if (version > to) break
    // What has expired cannot be looked at.
    if (version !== next++) return false
    const harmless = actions.every((action) => {
      if ('add' in action) return !action.add.dataChange
      if ('remove' in action) return !action.remove.dataChange
      return 'commitInfo' in action
    })
    if (!harmless) return false
  }
  return true
}

/** @returns undefined when a file is no longer there: its rows stand in another by now */
function removesOf(snapshot: Snapshot, paths: readonly string[]): Action[] | undefined {
  const removes: Action[] = []
  for (const path of paths) {
    const file = snapshot.files.get(path)
    if (!file) return undefined
    removes.push({ remove: removeOf(file, Date.now()) })
  }
  return removes
}

/** Delete staged files of a table that no commit names. */
async function discard(table: DeltaTable, files: readonly AddFile[]): Promise<undefined> {
  for (const { path } of files) await table.store.delete(`${table.prefix}/${decodePath(path)}`)
}
