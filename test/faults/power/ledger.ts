import type { PathAccount } from '../../../src/account/index.ts'
import { type CleaningPath, cleaningPaths } from '../../../src/clean/index.ts'
import { wholeAnswer } from '../../../src/cli/whole-answer.ts'
import type { Acknowledged } from '../../e2e/load.ts'
import { Broken } from '../campaign.ts'
import type { Running } from './running.ts'

const datasets = ['pin', 'geo', 'user'] as const

/** What a platform has told so far, which holds for ever, and the checks of it against what it tells now. */
export class Ledger {
  /** Values by topic, partition and offset: what was acknowledged, and whatever has been read. */
  readonly #records = new Map<string, string>()
  readonly #acknowledged = new Set<string>()
  #noted = 0
  /** Versions of tables that are on disk. */
  readonly #versions = new Map<string, number>()
  readonly #streams = new Set<string>()

  get records(): number {
    return this.#acknowledged.size
  }

  /** @param all acknowledgements so far, in their order */
  noteAcknowledged(all: readonly Acknowledged[]): void {
    for (const { topic, partition, offset, value } of all.slice(this.#noted)) {
      const place = `${topic} ${partition} ${offset}`
      if (this.#acknowledged.has(place)) throw new Broken(`${place} was given out twice`, { double: 1 })
      this.#acknowledged.add(place)
      const known = this.#records.get(place)
      if (known !== undefined && known !== value)
        throw new Broken(`${place} was read as ${known}, then acknowledged for ${value}`, { lost: 1 })
      this.#records.set(place, value)
    }
    this.#noted = all.length
  }

  noteStream(name: string): void {
    this.#streams.add(name)
  }

  /** @param version that was flushed when it was told */
  noteVersion(table: string, version: number): void {
    this.#versions.set(table, version)
  }

  /** What was acknowledged, read or answered is there, unchanged; `verify` finds nothing wrong. */
  async check(running: Running): Promise<void> {
    await this.#checkLog(running)
    await this.#checkStreams(running)
    await this.#checkVersions(running)
    const { checks } = await running.ask('verify', {})
    refuseFailed(checks)
  }

  /** Each record of the log is exactly one row, duplicate or quarantined record, both ways. */
  async checkAll(running: Running): Promise<void> {
    const { verify, account } = await running.ask('runBatch', {})
    refuseFailed(verify.checks)
    await this.#checkLog(running)
    for (const path of cleaningPaths) {
      const contents = await contentsOf(running, path)
      for (const dataset of datasets)
        this.#checkTable(`${path}.${dataset}`, dataset, contents[dataset], account[dataset]?.[path])
    }
  }

  #checkTable(name: string, dataset: string, found: Contents, counted: PathAccount | undefined): void {
    const keys = new Set(found.rows)
    const quarantined = new Set(found.quarantined)
    const double = found.rows.length - keys.size + found.quarantined.length - quarantined.size
    if (double > 0) throw new Broken(`${name} holds ${double} records twice`, { double })
    const sent = [...this.#records].filter(([place]) => place.split(' ')[0]?.endsWith(dataset))
    const good = sent.filter(([place]) => !quarantined.has(place)).map(([, value]) => keyOf(value))
    const lost = good.filter((key) => !keys.has(key)).length
    if (lost > 0) throw new Broken(`${name} lacks ${lost} records`, { lost })
    const goodKeys = new Set(good)
    const unknown = found.rows.filter((key) => !goodKeys.has(key)).length
    if (unknown > 0) throw new Broken(`${name} holds ${unknown} rows that nobody sent`, { double: unknown })
    const expected: PathAccount = {
      read: sent.length,
      rows: goodKeys.size,
      duplicates: good.length - goodKeys.size,
      quarantined: quarantined.size,
    }
    const members = Object.keys(expected) as (keyof PathAccount)[]
    if (members.some((member) => counted?.[member] !== expected[member]))
      throw new Broken(`${name} counts ${JSON.stringify(counted)}, there are ${JSON.stringify(expected)}`)
  }

  async #checkStreams(running: Running): Promise<void> {
    if (this.#streams.size === 0) return
    const topics = new Set((await running.ask('topics', {})).map(({ name }) => name))
    const gone = [...this.#streams].find((name) => !topics.has(name))
    if (gone !== undefined) throw new Broken(`the stream ${gone} was made, and is gone`)
  }

  async #checkVersions(running: Running): Promise<void> {
    if (this.#versions.size === 0) return
    const tables = await running.ask('tables', {})
    for (const [name, version] of this.#versions) {
      const found = tables[name]?.version ?? -1
      if (found < version) throw new Broken(`${name} was at version ${version}, and is at ${found}`)
    }
    this.#versions.clear()
  }

  async #checkLog(running: Running): Promise<void> {
    const found = new Map<string, string>()
    for (const dataset of datasets) {
      for (const topic of [`demo.${dataset}`, `streaming-demo-${dataset}`])
        await running.ask('consume', { topic, fromBeginning: true, follow: false }, (item) => {
          const { partition, offset, value } = item as { partition: number; offset: number; value: string }
          const place = `${topic} ${partition} ${offset}`
          if (found.has(place)) throw new Broken(`${place} is read twice`, { double: 1 })
          found.set(place, value)
        })
    }
    const missing = [...this.#records].filter(([place]) => !found.has(place))
    if (missing.length > 0) {
      const acknowledged = missing.filter(([place]) => this.#acknowledged.has(place))
      const what = `${acknowledged.length} acknowledged records and ${missing.length - acknowledged.length} others that were read`
      throw new Broken(`${what} are no longer in the log: ${missing[0]?.[0]} …`, { lost: missing.length })
    }
    for (const [place, value] of this.#records)
      if (found.get(place) !== value)
        throw new Broken(`${place} holds ${found.get(place)}, and was ${value}`, { lost: 1 })
    for (const [place, value] of found) this.#records.set(place, value)
  }
}

interface Contents {
  /** Keys. */
  rows: number[]
  /** Topic, partition and offset. */
  quarantined: string[]
}

/** What tables and quarantines of a path hold. */
async function contentsOf(running: Running, path: CleaningPath) {
  const selects = datasets.flatMap((name) => [
    `SELECT '${name}' AS dataset, CAST(ind AS VARCHAR) AS key, NULL AS place FROM ${path}.${name}`,
    `SELECT '${name}', NULL, topic || ' ' || "partition" || ' ' || "offset" FROM quarantine.${name} WHERE path = '${path}'`,
  ])
  const asked = { sql: selects.join(' UNION ALL '), from: path }
  const { rows } = await wholeAnswer((onItem) => running.ask('sql', asked, onItem))
  const empty = (): Contents => ({ rows: [], quarantined: [] })
  const contents = { pin: empty(), geo: empty(), user: empty() }
  for (const { dataset, key, place } of rows) {
    const { rows: keys, quarantined } = contents[dataset as keyof typeof contents]
    if (place === null) keys.push(Number(key))
    else quarantined.push(String(place))
  }
  return contents
}

function keyOf(value: string): number {
  const { index, ind = index } = JSON.parse(value) as { index?: number; ind?: number }
  return Number(ind)
}

function refuseFailed(checks: readonly { ok: boolean; name: string; detail?: string }[]): void {
  const failed = checks.filter(({ ok }) => !ok)
  if (failed.length > 0) throw new Broken(`verify: ${JSON.stringify(failed)}`)
}
