import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Epoch, EpochRecord } from '../lake/index.ts'
import { type AddFile, type Snapshot, scanSql, writeParquet } from '../table/index.ts'
import type { CleanerParts } from './dataset-cleaner.ts'
import type { CleanedGroup, DuckDbCleaner } from './duckdb/cleaner.ts'
import { epochsOfGroup, fileEpochs, withEpochs } from './file-epochs.ts'
import type { KeyIndex } from './key-index.ts'
import { applyKeyRule, type KeyOutcome } from './key-rule.ts'
import type { Account } from './pair-state.ts'
import { Preparer } from './prepare.ts'
import { prepareGroup } from './prepared-file.ts'
import { type BadRecord, writeQuarantine } from './quarantine.ts'
import type { Bad } from './reason.ts'
import type { PairCommit, TablePair } from './table-pair.ts'

/** What is added to, while it is not committed yet. */
export interface Base {
  account: Account
  quarantineEpoch: number
  contents: TableContents
  index: KeyIndex
}

/** Files that are written and in no version yet, and what they amount to. */
export type StagedGroup = Omit<PairCommit, 'epoch' | 'origin'> & {
  keys: KeyOutcome['keys']
  replaced: string[]
}

export type TableContents = Pick<Snapshot, 'schema' | 'metaData' | 'files'>

/** Cleans groups of epochs into files that no version names yet. */
export class Stager {
  readonly #parts: CleanerParts
  readonly #cleaner: DuckDbCleaner
  readonly #pair: TablePair
  readonly #topics: ReadonlySet<string>
  readonly #preparer: Preparer

  constructor(parts: CleanerParts, cleaner: DuckDbCleaner, pair: TablePair, topics: ReadonlySet<string>) {
    this.#parts = parts
    this.#cleaner = cleaner
    this.#pair = pair
    this.#topics = topics
    this.#preparer = new Preparer(parts.dataset, parts.datasets)
  }

  /** Clean epochs on top of `base`, when it is their turn; stages files, commits nothing. */
  stage(epochs: readonly Epoch[], base: Base): Promise<StagedGroup> {
    return this.#parts.turns.take(async () => {
      const file = join(this.#parts.temporaryFolder, `prepared-${randomUUID()}.ndjson`)
      try {
        return await this.#stage(epochs, base, file)
      } finally {
        await rm(file, { force: true })
      }
    })
  }

  /** @param file for what is between reading and cleaning */
  async #stage(epochs: readonly Epoch[], base: Base, file: string): Promise<StagedGroup> {
    const { dataset, engine, tables } = this.#parts
    const prepared = await prepareGroup(this.#read(epochs), this.#preparer, file)
    const { bad } = prepared
    const outcome: KeyOutcome = { keys: new Map(), differing: [], duplicates: 0, added: 0, replacedKeys: [] }
    const rows: AddFile[] = []
    let replaced: string[] = []
    if (prepared.lines > 0) {
      const group = await this.#cleaner.clean(file, prepared.lineBytesMax)
      try {
        await rm(file)
        for (const [place, why] of group.bad) bad.set(place, why)
        Object.assign(outcome, await applyKeyRule(group, base.index, dataset.onDuplicate))
        for (const place of outcome.differing) bad.set(place, { reason: 'DUPLICATE_KEY_DIFFERS' })
        const prefix = this.#pair.data.prefix
        const written = await writeParquet(
          group.session,
          tables,
          prefix,
          group.goodRowsSql(),
          this.#cleaner.schema,
        )
        if (written) rows.push(withEpochs(written, epochsOfGroup(epochs)))
        if (outcome.replacedKeys.length > 0) {
          const rewritten = await this.#rewriteWithout(group, base.contents, outcome.replacedKeys)
          replaced = rewritten.replaced
          rows.push(...rewritten.rows)
        }
      } finally {
        group.close()
      }
    }
    const quarantined = await writeQuarantine(
      engine,
      tables,
      this.#pair.quarantine.prefix,
      this.#parts.temporaryFolder,
      this.#badRecords(epochs, bad, base.quarantineEpoch),
    )
    const account: Account = {
      read: base.account.read + prepared.records,
      rows: base.account.rows + outcome.added,
      duplicates: base.account.duplicates + outcome.duplicates,
      quarantined: base.account.quarantined + bad.size,
      unwrapped: base.account.unwrapped + prepared.unwrapped,
    }
    return { rows, quarantined, account, keys: outcome.keys, replaced }
  }

  /** The records of epochs, in order, piece by piece. */
  async *#read(epochs: readonly Epoch[]): AsyncGenerator<EpochRecord[]> {
    const { reader, path } = this.#parts
    for (const epoch of epochs) yield* reader.read(epoch, this.#topics, path === 'stream' ? 'log' : 'lake')
  }

  /**
   * The bad records of epochs after `after`, in order. They are read again: that a record is bad may show once all of
   * its group is cleaned, and a group is not kept in memory.
   */
  async *#badRecords(
    epochs: readonly Epoch[],
    bad: ReadonlyMap<number, Bad>,
    after: number,
  ): AsyncGenerator<BadRecord> {
    const places = [...bad.keys()].sort((a, b) => a - b)
    let [passed, first] = [0, 0]
    for (const epoch of epochs) {
      const end = first + this.#recordsOf(epoch)
      const from = passed
      while ((places[passed] ?? end) < end) passed++
      if (passed > from && epoch.epoch > after) {
        let place = first
        for await (const records of this.#read([epoch])) {
          for (const record of records) {
            const why = bad.get(place++)
            if (why) yield { record, ...why }
          }
        }
      }
      first = end
    }
  }

  #recordsOf({ ranges }: Epoch): number {
    return ranges.reduce((sum, { topic, count }) => sum + (this.#topics.has(topic) ? count : 0), 0)
  }

  /** Write the files that hold rows with these keys anew, without those rows. */
  async #rewriteWithout(
    { session }: CleanedGroup,
    snapshot: TableContents,
    keys: readonly string[],
  ): Promise<{ rows: AddFile[]; replaced: string[] }> {
    const { tables } = this.#parts
    const prefix = this.#pair.data.prefix
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
      // Its rows are of the records that the file was made of.
      if (written) rows.push(withEpochs(written, fileEpochs(file)))
    }
    return { rows, replaced }
  }
}
