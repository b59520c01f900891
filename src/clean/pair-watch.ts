import { PipelineError } from '../core/index.ts'
import type { EpochLog } from '../lake/index.ts'
import type { TableSchema } from '../table/index.ts'
import type { Account, CleaningPath, PairState } from './pair-state.ts'
import { type RestoreTarget, restorePoint } from './restore.ts'
import type { RestorePoint, TablePair } from './table-pair.ts'

/** Where a pair stood when it was looked at last. */
export interface Standing {
  epoch: number
  pausedAt: number | undefined
  generation: number
  account: Account
}

export interface WatchParts {
  /** As messages name the pair: `stream.pin`. */
  name: string
  path: CleaningPath
  pair: TablePair
  schema: TableSchema
  topics: ReadonlySet<string>
  epochs: EpochLog
  onWarning: (message: string) => void
}

/** Tells whether a pair of tables goes on from the epoch log that is there, and takes it back to what it was. */
export class PairWatch {
  readonly #parts: WatchParts
  #standing: Standing | undefined
  /** Whether the pair was held against the history of the epoch log since it was opened or replaced. */
  #compared = false

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  /** Undefined until the tables could be looked at. */
  get standing(): Standing | undefined {
    return this.#standing
  }

  /**
   * The state of the tables, which are made where they are missing.
   *
   * @throws EPOCHS_BEHIND_TABLE, also where they are of another history of the epoch log; TABLE_DAMAGED
   */
  async state(): Promise<PairState> {
    const { epochs } = this.#parts
    for (;;) {
      const { newest } = epochs
      try {
        return await this.#state()
      } catch (error) {
        if (!(error instanceof PipelineError && error.code === 'EPOCHS_BEHIND_TABLE')) throw error
        // Another worker may have entered what this one has not read yet, and again while it reads.
        await epochs.refresh()
        if (epochs.newest === newest) throw error
      }
    }
  }

  async #state(): Promise<PairState> {
    const { pair, epochs } = this.#parts
    let state = await pair.state(epochs.newest)
    for (; !state; state = await pair.state(epochs.newest)) await this.#create()
    if (!this.#compared) {
      await pair.refuseShortQuarantine(state)
      await this.#refuseOtherHistory(state)
      this.#compared = true
    }
    const { dataEpoch: epoch, pausedAt, generation, account } = state
    this.#standing = { epoch, pausedAt, generation, account }
    return state
  }

  async #create(): Promise<void> {
    const { pair, schema, name, onWarning } = this.#parts
    if (await pair.create(schema)) onWarning(`a table of ${name} is gone: both are made anew from the lake`)
  }

  async #refuseOtherHistory({ dataEpoch, origin }: PairState): Promise<void> {
    if (dataEpoch === 0 || origin.epochTimeMs === undefined) return
    const { value: take } = await this.#parts.epochs.epochsAfter(dataEpoch - 1).next()
    if (take?.epoch === dataEpoch && take.timeMs === origin.epochTimeMs) return
    const message = `the tables of ${this.#parts.name} are at epoch ${dataEpoch} of another history of this epoch log`
    throw new PipelineError('EPOCHS_BEHIND_TABLE', message)
  }

  /** The state of tables that are to be replaced: whatever they are of. What cannot be read is begun anew. */
  async anyState(): Promise<PairState> {
    const { pair } = this.#parts
    this.#compared = false
    await pair.forgetUnreadable()
    for (;;) {
      const state = await pair.read()
      if (state) return state
      await this.#create()
    }
  }

  /** Whether a stream has cleaned what was made void after. */
  holdsVoid({ dataEpoch, origin }: PairState): boolean {
    const { path, epochs, topics } = this.#parts
    if (path === 'batch' || dataEpoch === 0) return false
    return epochs.voids.slice(origin.voids ?? 0).some(({ topic }) => topics.has(topic))
  }

  /** Where a restore would lead to. @throws TABLE_VERSION_UNKNOWN when that is no longer there */
  async restorePoint(target: RestoreTarget): Promise<RestorePoint> {
    await this.state()
    return restorePoint(this.#parts.pair, this.#parts.name, target)
  }

  /** Take both tables back to a point, and pause there. @returns the epoch */
  async restore(point: RestorePoint): Promise<number> {
    const { pair } = this.#parts
    const { generation } = await this.state()
    for (;;) {
      const state = await this.state()
      if (state.restoring === point.data.version) await pair.finishRestore(state, point.data)
      else if (state.generation > generation && state.pausedAt !== undefined) return state.pausedAt
      else await pair.restore(state, point)
      this.#compared = false
    }
  }

  /** Do the second half of a restore that was cut off. @param version of the data table that it leads to */
  async finishRestore(state: PairState, version: number): Promise<void> {
    const { pair } = this.#parts
    const to = await pair.data.snapshot(version)
    if (to) await pair.finishRestore(state, to)
  }

  /**
   * End a pause.
   *
   * @param check throws where the state is none to go on from: then the pause stays
   * @returns the epoch that cleaning goes on from; undefined where nothing was paused
   */
  async resume(check: (state: PairState) => void): Promise<number | undefined> {
    let from: number | undefined
    for (;;) {
      const state = await this.state()
      if (state.restoring !== undefined) await this.finishRestore(state, state.restoring)
      else if (state.pausedAt === undefined) return from
      else {
        check(state)
        from = state.pausedAt
        await this.#parts.pair.resume(state)
      }
    }
  }
}
