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
 *
 * A restore takes both back to an earlier version, quarantine first, with a generation that neither has had, and
 * pauses cleaning. What it leads to follows from the version alone, so that whoever finishes one that was cut off
 * makes the same, under the same generation.
 */
import { type ObjectStore, PipelineError } from '../core/index.ts'
import type { Engine } from '../engine/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import {
  type AddFile,
  createActions,
  DeltaTable,
  overwriteActions,
  redefineAction,
  type Snapshot,
  type TableSchema,
  type Txn,
} from '../table/index.ts'
import { backTo, commitAfter, discard, removesOf } from './pair-commit.ts'
import {
  type Account,
  accountOf,
  type CleaningPath,
  emptyAccount,
  generationOf,
  keys,
  nextGeneration,
  type Origin,
  type PairState,
  pausedAtOf,
  recordsOf,
  statedOf,
} from './pair-state.ts'

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
  origin: Origin
}

/** Versions of the two tables that go together. */
export interface RestorePoint {
  data: Snapshot
  quarantine: Snapshot
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

  /**
   * Make whichever of the two tables is missing; another worker may be first. Where the other has records, the one
   * made is of a generation of its own: then the pair is to be rebuilt.
   *
   * @returns whether it is
   */
  async create(schema: TableSchema): Promise<boolean> {
    const quarantine = await this.quarantine.snapshot()
    const data = await this.data.snapshot()
    const other = quarantine ?? data
    const halved = other !== undefined && !(quarantine && data) && other.txns.size > 0
    const generation = other ? generationOf(other) + (halved ? 1 : 0) : 0
    for (const [table, columns, present] of [
      [this.quarantine, quarantineSchema, quarantine],
      [this.data, schema, data],
    ] as const) {
      if (present) continue
      const info = {
        commitInfo: this.#commitInfo('CREATE TABLE', 0, generation, { account: emptyAccount, origin: {} }),
      }
      await table.commit(0, [info, ...createActions(columns, this.#configuration(generation), Date.now())])
    }
    return halved
  }

  /** Forget the history of a table that cannot be read, so that it can be made anew; its data files stay. */
  async forgetUnreadable(): Promise<void> {
    for (const table of [this.quarantine, this.data]) {
      try {
        const snapshot = await table.snapshot()
        if (snapshot && table === this.data) await accountOf(table, snapshot)
      } catch (error) {
        if (!(error instanceof PipelineError && error.code === 'TABLE_DAMAGED')) throw error
        await table.forget()
      }
    }
  }

  /** As the two tables say; undefined where one is missing. @throws TABLE_DAMAGED */
  async read(): Promise<PairState | undefined> {
    // In the order of their commits, so that a rebuild that ends meanwhile is not taken for one that was cut off.
    const quarantine = await this.quarantine.snapshot()
    const data = await this.data.snapshot()
    if (!data || !quarantine) return undefined
    const generation = generationOf(data)
    const { epochTimeMs, voids, read, rows, duplicates, quarantined, unwrapped } = await statedOf(
      this.data,
      data,
    )
    const epochLogId = data.metaData.configuration[keys.epochLog]
    const isSame = quarantine.metaData.configuration[keys.epochLog] === epochLogId
    const appId = this.#appId(generation)
    const restoredFor = quarantine.metaData.configuration[keys.restore]
    const restoring =
      restoredFor !== undefined && generationOf(quarantine) > generation ? Number(restoredFor) : undefined
    return {
      data,
      quarantine,
      generation,
      dataEpoch: data.txns.get(appId) ?? 0,
      quarantineEpoch: quarantine.txns.get(`${appId}/quarantine`) ?? 0,
      account: { read, rows, duplicates, quarantined, unwrapped },
      origin: { ...(epochTimeMs !== undefined && { epochTimeMs }), ...(voids !== undefined && { voids }) },
      epochLogId: isSame ? epochLogId : undefined,
      definition: data.metaData.configuration[keys.definition] ?? '',
      rebuilding: generationOf(quarantine) !== generation && restoring === undefined,
      restoring,
      pausedAt: pausedAtOf(data),
    }
  }

  /**
   * The state of the pair, where it goes on from this epoch log.
   *
   * @returns undefined where a table is missing
   * @throws EPOCHS_BEHIND_TABLE when a table is of another epoch log, or ahead of it; TABLE_DAMAGED
   */
  async state(newestEpoch: number): Promise<PairState | undefined> {
    const state = await this.read()
    if (!state) return undefined
    if (state.epochLogId !== this.#epochLogId) {
      const of = state.epochLogId ?? 'two'
      const message = `the tables of ${this.#name} are of epoch log ${of}, not of ${this.#epochLogId}`
      throw new PipelineError('EPOCHS_BEHIND_TABLE', message)
    }
    if (Math.max(state.dataEpoch, state.quarantineEpoch) > newestEpoch) {
      const ahead = `the tables of ${this.#name} are at epoch ${Math.max(state.dataEpoch, state.quarantineEpoch)}`
      throw new PipelineError('EPOCHS_BEHIND_TABLE', `${ahead}, the epoch log ends at ${newestEpoch}`)
    }
    return state
  }

  /** An older copy of a quarantine would lack records that its data table counts. @throws TABLE_DAMAGED */
  async refuseShortQuarantine({ rebuilding, restoring, account }: PairState): Promise<void> {
    if (rebuilding || restoring !== undefined) return
    // Looked at again: what another worker committed meanwhile may be in the data table alone.
    const quarantine = await this.quarantine.snapshot()
    const records = quarantine ? recordsOf(quarantine) : 0
    if (records >= account.quarantined) return
    const message = `the quarantine of ${this.#name} holds ${records} records, its data table counts ${account.quarantined}`
    throw new PipelineError('TABLE_DAMAGED', message)
  }

  /**
   * Commit a group: quarantine, then data. Files that no commit names in the end are deleted.
   *
   * @returns the data table's new version; undefined when the pair is no longer in `state`: compute again
   */
  async commit(state: PairState, group: PairCommit): Promise<number | undefined> {
    const { generation } = state
    if (group.quarantined.length > 0) {
      const version = await commitAfter(this.quarantine, state.quarantine, (snapshot) => [
        { commitInfo: this.#commitInfo('WRITE', group.epoch, generation, group, snapshot.version) },
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
        ? await commitAfter(this.data, state.data, (snapshot) => {
            const removes = removesOf(snapshot, group.replaced ?? [])
            if (!removes) return undefined
            const info = this.#commitInfo('WRITE', group.epoch, generation, group, snapshot.version)
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
      commitAfter(table, from, (snapshot) => [
        {
          commitInfo: this.#commitInfo('REBUILD', rebuilt.epoch, generation, rebuilt, snapshot.version),
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
   * Take the pair back to a point, and pause its cleaning there: quarantine, then data.
   *
   * @returns whether it was done; false when the pair is no longer in `state`: look again
   */
  async restore(state: PairState, point: RestorePoint): Promise<boolean> {
    if (point.data.metaData.configuration[keys.epochLog] !== this.#epochLogId) {
      const message = `version ${point.data.version} of ${this.#name} is of another epoch log`
      throw new PipelineError('TABLE_VERSION_UNKNOWN', message)
    }
    const generation = nextGeneration(state)
    const before = this.#pointEpochs(point)
    const stated = await this.#statedAt(point.data)
    const restored = await commitAfter(this.quarantine, state.quarantine, (snapshot) => [
      { commitInfo: this.#commitInfo('RESTORE', before.data, generation, stated, snapshot.version) },
      { txn: this.#txn(generation, '/quarantine', before.quarantine) },
      redefineAction(snapshot, quarantineSchema, {
        ...this.#configurationOf(point.data, generation),
        [keys.restore]: String(point.data.version),
      }),
      ...backTo(snapshot, point.quarantine),
    ])
    if (restored === undefined) return false
    const now = await this.read()
    return now?.restoring === point.data.version && (await this.finishRestore(now, point.data))
  }

  /**
   * Do the second half of a restore.
   *
   * @param to the version that the quarantine was restored for
   * @returns whether it was done; false when the pair is no longer in `state`: look again
   */
  async finishRestore({ data, quarantine }: PairState, to: Snapshot): Promise<boolean> {
    const generation = generationOf(quarantine)
    const epoch = this.#epochOf(to, '')
    const stated = await this.#statedAt(to)
    const version = await commitAfter(this.data, data, (snapshot) => [
      { commitInfo: this.#commitInfo('RESTORE', epoch, generation, stated, snapshot.version) },
      { txn: this.#txn(generation, '', epoch) },
      redefineAction(snapshot, to.schema, {
        ...this.#configurationOf(to, generation),
        [keys.paused]: String(epoch),
      }),
      ...backTo(snapshot, to),
    ])
    return version !== undefined
  }

  /** Let cleaning go on after a restore. @returns false when the pair is no longer in `state`: look again */
  async resume({ data, dataEpoch, generation, account, origin }: PairState): Promise<boolean> {
    const version = await commitAfter(this.data, data, (snapshot) => {
      const { [keys.paused]: _, ...configuration } = snapshot.metaData.configuration
      const stated = { account, origin }
      return [
        { commitInfo: this.#commitInfo('RESUME', dataEpoch, generation, stated, snapshot.version) },
        redefineAction(snapshot, snapshot.schema, configuration),
      ]
    })
    return version !== undefined
  }

  #pointEpochs({ data, quarantine }: RestorePoint): { data: number; quarantine: number } {
    return { data: this.#epochOf(data, ''), quarantine: this.#epochOf(quarantine, '/quarantine') }
  }

  /** The epoch a version of a table had reached in its own generation. */
  #epochOf(snapshot: Snapshot, suffix: '' | '/quarantine'): number {
    return snapshot.txns.get(this.#appId(generationOf(snapshot)) + suffix) ?? 0
  }

  async #statedAt(data: Snapshot): Promise<Pick<PairCommit, 'account' | 'origin'>> {
    const { epochTimeMs, voids } = await statedOf(this.data, data)
    const origin = {
      ...(epochTimeMs !== undefined && { epochTimeMs }),
      ...(voids !== undefined && { voids }),
    }
    return { account: await accountOf(this.data, data), origin }
  }

  /** As a version of the data table had it, under another generation. */
  #configurationOf({ metaData }: Snapshot, generation: number): Record<string, string> {
    const definition = metaData.configuration[keys.definition] ?? ''
    return { ...this.#configuration(generation), [keys.definition]: definition }
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
      [keys.epochLog]: this.#epochLogId,
      [keys.generation]: String(generation),
      [keys.definition]: this.#dataset.definition,
    }
  }

  #commitInfo(
    operation: string,
    epoch: number,
    generation: number,
    { account, origin }: Pick<PairCommit, 'account' | 'origin'>,
    readVersion?: number,
  ) {
    return {
      operation,
      operationParameters: {},
      isBlindAppend: false,
      ...(readVersion !== undefined && { readVersion }),
      pinflow: { dataset: this.#dataset.name, path: this.#path, epoch, generation, ...account, ...origin },
    }
  }
}

export function dataTablePrefix(dataset: string, path: CleaningPath): string {
  return `${path}/${dataset}`
}

export function quarantineTablePrefix(dataset: string, path: CleaningPath): string {
  return `quarantine/${path}/${dataset}`
}
