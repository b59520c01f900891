import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { type Clock, type ObjectStore, PipelineError, systemClock } from '../core/index.ts'
import type { Engine } from '../engine/index.ts'
import {
  type Action,
  assertCommit,
  type CommitInfo,
  commitInfoOf,
  parseCommit,
  serializeCommit,
} from './actions.ts'
import { writeCheckpoint } from './checkpoint.ts'
import { engineInfo } from './commit-seal.ts'
import { type Commit, type Loaded, loadNewest, loadVersion, newestOf, readCommits } from './load.ts'
import { commitKey, type LogFiles, listLog, logFolder } from './log-files.ts'
import { checkWritable } from './protocol.ts'
import {
  applyActions,
  copyState,
  decodePath,
  emptyState,
  type Snapshot,
  snapshotOf,
  type TableState,
} from './replay.ts'

/** A checkpoint is due when this many commits came after the last. */
const checkpointInterval = 10

/**
 * A Delta table below a key prefix of a store: reading any version, and committing the next.
 *
 * Writing has two phases. Data files are staged (`writeParquet`): durable, and in no version. Then `commit` puts one
 * small log file if its version is absent; that is the commit point, the only one. Of any number of writers, in any
 * process, one wins a version; the others read what it did and decide again.
 *
 * The newest version is kept in memory and brought forward by the commits after it.
 *
 * Methods throw, beside what they name: STORE_FAILED, STORE_FULL (retriable), TABLE_DAMAGED, TABLE_UNSUPPORTED.
 */
export class DeltaTable {
  readonly store: ObjectStore
  readonly prefix: string
  readonly engine: Engine
  readonly #clock: Clock
  #newest: Loaded | undefined

  /** @param engine reads and writes checkpoints */
  constructor(store: ObjectStore, prefix: string, engine: Engine, clock: Clock = systemClock) {
    this.store = store
    this.prefix = prefix
    this.engine = engine
    this.#clock = clock
  }

  /**
   * The table at a version, or at the newest; undefined when there is no table.
   *
   * @throws TABLE_VERSION_UNKNOWN above the newest version, and below what the log still reaches
   */
  async snapshot(version?: number): Promise<Snapshot | undefined> {
    if (version !== undefined) {
      if (version === this.#newest?.snapshot.version) return this.#newest.snapshot
      return (await loadVersion(this, version))?.snapshot
    }
    const loaded = this.#newest ? await this.#advance(this.#newest) : await loadNewest(this)
    if (loaded) this.#keep(loaded)
    return this.#newest?.snapshot
  }

  /**
   * Put these actions as one version, durably, unless somebody has put it: **the commit point**.
   *
   * The first action becomes the commitInfo, with time, txnId and engine filled in. When the put fails or is lost, the
   * version is read: if it holds this very txnId, the commit has happened and counts.
   *
   * @param version the newest version of the table + 1, or 0 for a new table
   * @returns false when the version is somebody else's: nothing was committed
   * @throws what the put threw, when the version is still absent (it may yet appear: read before trying again)
   */
  async commit(version: number, actions: readonly Action[]): Promise<boolean> {
    assertCommit(actions)
    const filled = this.#fillCommitInfo(actions)
    const base = await this.#baseOf(version)
    if (base === 'taken') return this.#isOwn(version, filled)
    const content = serializeCommit(filled)
    const next = this.#apply(base, version, parseCommit(content, this.#where(version)))
    const { protocol, metaData } = next.snapshot
    checkWritable(protocol, metaData, filled, this.#where(version))
    const own = (await this.#put(version, content)) || (await this.#isOwn(version, filled))
    if (own) this.#keep(next)
    return own
  }

  /** Commits from a version on that the log still has, in order, without a gap. */
  async *commits(from = 0): AsyncGenerator<Commit> {
    const log = await listLog(this.store, this.prefix, from)
    const [oldest] = log.commits.keys()
    if (oldest !== undefined) yield* readCommits(this, log, oldest, newestOf(log.commits)!)
  }

  /**
   * What the commit of a version says of itself; undefined when it says nothing.
   *
   * @throws TABLE_VERSION_UNKNOWN when the log does not have the commit (any more)
   */
  async commitInfo(version: number): Promise<CommitInfo | undefined> {
    const content = await this.store.get(commitKey(this.prefix, version))
    if (!content)
      throw new PipelineError('TABLE_VERSION_UNKNOWN', `${this.#where(version)} is not in the log`)
    return commitInfoOf(parseCommit(content, this.#where(version)))
  }

  /** The oldest commit that its log still has. */
  async oldestCommit(): Promise<Pick<Commit, 'version' | 'timestampMs'> | undefined> {
    const log = await listLog(this.store, this.prefix)
    const [oldest] = log.commits.keys()
    return oldest === undefined ? undefined : this.#commitIn(log, oldest)
  }

  /**
   * The newest version that was committed at or before a time, as far as its log reaches back. Few commits are read: they
   * are taken to be in the order of their times, as they are but where a clock was set back.
   */
  async versionAt(timeMs: number): Promise<number | undefined> {
    const log = await listLog(this.store, this.prefix)
    const versions = [...log.commits.keys()]
    let [low, high] = [0, versions.length]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const { timestampMs } = await this.#commitIn(log, versions[middle]!)
      if (timestampMs <= timeMs) low = middle + 1
      else high = middle
    }
    return versions[low - 1]
  }

  async #commitIn(log: LogFiles, version: number): Promise<Commit> {
    for await (const commit of readCommits(this, log, version, version)) return commit
    throw new TypeError(`version ${version} was listed, and is not read`)
  }

  /** The newest commits, newest first. */
  async history(
    limit: number,
  ): Promise<{ version: number; timestampMs: number; commitInfo: CommitInfo | undefined }[]> {
    assert(limit > 0)
    const log = await listLog(this.store, this.prefix)
    const [oldest] = [...log.commits.keys()].slice(-limit)
    if (oldest === undefined) return []
    const found = []
    for await (const commit of readCommits(this, log, oldest, newestOf(log.commits)!)) {
      found.push({
        version: commit.version,
        timestampMs: commit.timestampMs,
        commitInfo: commitInfoOf(commit.actions),
      })
    }
    return found.reverse()
  }

  /**
   * Write the checkpoint of a version, unless there is one, and the hint to it.
   *
   * @throws TABLE_VERSION_UNKNOWN
   */
  async checkpoint(version: number): Promise<void> {
    const newest = this.#newest
    const loaded = newest?.snapshot.version === version ? newest : await loadVersion(this, version)
    if (!loaded) throw new PipelineError('TABLE_VERSION_UNKNOWN', `${this.prefix} is no table`)
    await this.engine.with((session) =>
      writeCheckpoint(session, this.store, this.prefix, version, loaded.state, this.#clock()),
    )
    if (this.#newest && (this.#newest.checkpoint ?? -1) < version)
      this.#newest = { ...this.#newest, checkpoint: version }
  }

  /**
   * What to do after a commit: the checkpoint of the newest version, when one is due. A checkpoint only makes reading
   * faster, so its failure is a value, to be logged, and it is tried again after the next commit.
   */
  async maintain(): Promise<{ checkpoint?: number; failure?: unknown }> {
    try {
      const snapshot = await this.snapshot()
      if (!snapshot || snapshot.version - (this.#newest?.checkpoint ?? 0) < checkpointInterval) return {}
      await this.checkpoint(snapshot.version)
      return { checkpoint: snapshot.version }
    } catch (failure) {
      return { failure }
    }
  }

  /**
   * Delete the log: then there is no table, and another may be made in its place. Data files stay, in no version, until
   * vacuum. Cut off in between, it is no table that can be read.
   */
  async forget(): Promise<void> {
    this.#newest = undefined
    const objects = await this.store.list(logFolder(this.prefix))
    // Checkpoints first, then from version 0 on: what is left never reads as an older version.
    const isCommit = (key: string): boolean => key.endsWith('.json')
    for (const { key } of objects.toSorted((a, b) => Number(isCommit(a.key)) - Number(isCommit(b.key))))
      await this.store.delete(key)
  }

  /** Bring the newest snapshot forward by reading only what came after it. */
  async #advance(loaded: Loaded): Promise<Loaded | undefined> {
    const { version } = loaded.snapshot
    const log = await listLog(this.store, this.prefix, version)
    const newest = Math.max(newestOf(log.commits) ?? -1, newestOf(log.checkpoints) ?? -1)
    if (newest < version) {
      // The folder was deleted, or an older copy put in its place: what is there counts, not what was remembered.
      this.#newest = undefined
      return loadNewest(this)
    }
    if (newest === version) return loaded
    // After a gap the commits between may have expired behind a checkpoint: begin again from that.
    if (!log.commits.has(version + 1)) return loadNewest(this)
    const state = copyState(loaded.state)
    let last: Commit | undefined
    for await (const commit of readCommits(this, log, version + 1, newestOf(log.commits)!)) {
      applyActions(state, commit.actions)
      last = commit
    }
    assert(last)
    const at = {
      version: last.version,
      commitInfo: commitInfoOf(last.actions),
      timestampMs: last.timestampMs,
    }
    const checkpoint = newestOf(log.checkpoints) ?? loaded.checkpoint
    return { snapshot: snapshotOf(state, at, this.prefix), state, checkpoint }
  }

  #keep(loaded: Loaded): void {
    if (!this.#newest || this.#newest.snapshot.version < loaded.snapshot.version) this.#newest = loaded
  }

  /** The version before; `taken` when the version is there already. */
  async #baseOf(version: number): Promise<Loaded | undefined | 'taken'> {
    if (this.#newest?.snapshot.version !== version - 1) await this.snapshot()
    const newestVersion = this.#newest?.snapshot.version ?? -1
    if (newestVersion >= version) return 'taken'
    assert.equal(
      newestVersion,
      version - 1,
      `${this.prefix}: a commit of version ${version} after ${newestVersion}`,
    )
    return this.#newest
  }

  #fillCommitInfo(actions: readonly Action[]): Action[] {
    const given = commitInfoOf(actions)
    assert(given)
    const commitInfo = { timestamp: this.#clock(), engineInfo, txnId: randomUUID(), ...given }
    return [{ commitInfo }, ...actions.filter((action) => !('commitInfo' in action))]
  }

  /** The table after a commit that is yet to be put. */
  #apply(base: Loaded | undefined, version: number, actions: readonly Action[]): Loaded {
    const state: TableState = base ? copyState(base.state) : emptyState()
    for (const action of actions) {
      if ('remove' in action) assertLive(state, action.remove.path)
    }
    applyActions(state, actions)
    const commitInfo = commitInfoOf(actions)
    const at = { version, commitInfo, timestampMs: commitInfo?.timestamp ?? this.#clock() }
    return { snapshot: snapshotOf(state, at, this.prefix), state, checkpoint: base?.checkpoint }
  }

  async #put(version: number, content: Buffer): Promise<boolean> {
    const key = commitKey(this.prefix, version)
    try {
      return await this.store.putIfAbsent(key, content)
    } catch (error) {
      const present = await this.store.get(key).catch(() => undefined)
      if (!present) throw error
      // What was to make it durable may be what failed.
      if (present.equals(content)) await this.store.sync(key)
      return false
    }
  }

  async #isOwn(version: number, actions: readonly Action[]): Promise<boolean> {
    return (await this.commitInfo(version))?.txnId === commitInfoOf(actions)?.txnId
  }

  #where(version: number): string {
    return `${this.prefix} version ${version}`
  }
}

function assertLive(state: TableState, path: string): void {
  assert(state.files.has(decodePath(path)), `a commit removes ${path}, which is not in the table`)
}
