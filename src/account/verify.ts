/**
 * Proof that the account closes. Raw lake and epoch log are read here by plain means of their own (files, lines,
 * checksums), not by the code that wrote them; tables are counted by SQL.
 */
import { createHash } from 'node:crypto'
import { accountOf, type CleaningPath, cleaningPaths, generationOf } from '../clean/index.ts'
import { messageOf, type ObjectStore } from '../core/index.ts'
import type { EpochLog, LandEntry, LandedMarker, Landing } from '../lake/index.ts'
import type { Log } from '../log/index.ts'
import type { Dataset, Pipeline } from '../pipeline/index.ts'
import type { CatalogTable } from '../query/index.ts'
import {
  type DeltaTable,
  type Engine,
  type Row,
  type Session,
  type Snapshot,
  scanSql,
} from '../table/index.ts'
import { type DatasetAccount, sameRows } from './account.ts'

export interface Check {
  name: string
  ok: boolean
  /** What was compared, with the figures. */
  detail: string
}

export interface Verification {
  ok: boolean
  checks: Check[]
  accounts: Record<string, DatasetAccount>
}

export interface VerifyParts {
  pipeline: Pipeline
  log: Log
  lake: ObjectStore
  epochs: EpochLog
  landing: Landing
  catalog: readonly CatalogTable[]
  engine: Engine
}

/** Recount everything. Damage is a failed check, not an error. */
export async function verify(parts: VerifyParts): Promise<Verification> {
  const checks: Check[] = []
  const history = await checkEpochs(parts, checks)
  await checkLog(parts, checks)
  const landed = await checkLake(parts, history, checks)
  const accounts: Record<string, DatasetAccount> = {}
  for (const dataset of parts.pipeline.datasets) {
    const account = countDataset(parts, dataset, landed)
    accounts[dataset.name] = account
    const { appended, waiting, skipped, lost } = account
    checks.push({
      name: `${dataset.name}: appended = landed + waiting + skipped + lost`,
      ok: appended === account.landed + waiting + skipped + lost,
      detail: `${appended} = ${account.landed} + ${waiting} + ${skipped} + ${lost}`,
    })
    for (const path of cleaningPaths) {
      const counted = await guarded(`${path}.${dataset.name}`, checks, () =>
        checkPair(parts, dataset, path, history, checks),
      )
      if (counted) account[path] = counted
    }
    await guarded(`${dataset.name}: stream = batch`, checks, () =>
      checkAgreement(parts, dataset, history, checks),
    )
  }
  return { ok: checks.every(({ ok }) => ok), checks, accounts }
}

/** What the epoch log says, as far as it has landed, and what was taken since. */
interface History {
  lands: LandEntry[]
  /** Every take in order, with the number of its land. */
  takes: { epoch: number; land?: number; ranges: LandEntry['takes'][number]['ranges'] }[]
}

async function checkEpochs({ epochs }: VerifyParts, checks: Check[]): Promise<History> {
  const lands: LandEntry[] = []
  for (const number of await epochs.landsAfter(0)) lands.push(await epochs.landEntry(number))
  const takes = [
    ...lands.flatMap((land) => land.takes.map((take) => ({ ...take, land: land.epoch }))),
    ...epochs.openTakes,
  ]
  const broken: string[] = []
  const ends = new Map<string, number>()
  for (const { epoch, ranges, gaps = [] } of takes) {
    for (const { topic, partition, from, to } of [...ranges, ...gaps]) {
      const key = `${topic}/${partition}`
      if (to <= (ends.get(key) ?? 0) && gaps.length > 0) continue
      if ((ends.get(key) ?? 0) !== from)
        broken.push(`epoch ${epoch}: ${key} goes on at ${from}, not at ${ends.get(key) ?? 0}`)
      ends.set(key, to)
    }
  }
  const detail =
    broken[0] ?? `${takes.length} takes in ${lands.length} lands, every range joins the one before`
  checks.push({ name: 'epoch log: nothing left out, nothing twice', ok: broken.length === 0, detail })
  return { lands, takes }
}

/** Every record beyond what was taken is still in the log, up to its end. */
async function checkLog({ log, epochs }: VerifyParts, checks: Check[]): Promise<void> {
  const broken: string[] = []
  for (const { topic, partition, to } of epochs.ends()) {
    const known = log.topics().some(({ name, partitions }) => name === topic && partition < partitions)
    const end = known ? log.offsets(topic, partition).end : 0
    if (end < to) broken.push(`${topic}/${partition} ends at ${end}, the epoch log at ${to}`)
  }
  checks.push({
    name: 'log: not behind its lake',
    ok: broken.length === 0,
    detail: broken[0] ?? `${log.topics().length} topics end at or after what was taken`,
  })
}

/** Objects of every landed marker: there, unchanged, a line for each record of the land. @returns lines by topic */
async function checkLake(
  { lake, landing }: VerifyParts,
  { lands }: History,
  checks: Check[],
): Promise<Map<string, number>> {
  const lines = new Map<string, number>()
  const broken: string[] = []
  const newest = await landing.newest()
  let objects = 0
  for (const land of lands) {
    if (land.epoch > newest) break
    try {
      const marker = await landing.marker(land.epoch)
      for (const object of marker.objects) {
        objects++
        const counted = await countLines(lake, object)
        if (counted !== object.lines)
          broken.push(`${object.key} holds ${counted} lines, its marker says ${object.lines}`)
        lines.set(object.topic, (lines.get(object.topic) ?? 0) + counted)
      }
      broken.push(...uncovered(land, marker))
    } catch (error) {
      broken.push(messageOf(error))
    }
  }
  const total = [...lines.values()].reduce((sum, count) => sum + count, 0)
  checks.push({
    name: 'raw lake: every landed record is one line, bytes unchanged',
    ok: broken.length === 0,
    detail: broken[0] ?? `${total} lines in ${objects} objects match their checksums`,
  })
  return lines
}

async function countLines(
  lake: ObjectStore,
  { key, sha256, bytes }: LandedMarker['objects'][number],
): Promise<number> {
  const content = await lake.get(key)
  if (!content) throw new Error(`${key} is missing`)
  const found = createHash('sha256').update(content).digest('hex')
  if (found !== sha256 || content.length !== bytes)
    throw new Error(`${key} is not what was landed: its SHA-256 differs`)
  return content.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0)
}

/** Topic partitions of a land whose objects do not hold as many lines as the land has records. */
function uncovered(land: LandEntry, marker: LandedMarker): string[] {
  const missing = new Map<string, number>()
  const add = (key: string, count: number) => missing.set(key, (missing.get(key) ?? 0) + count)
  for (const { topic, partition, count } of land.takes.flatMap(({ ranges }) => ranges))
    add(`${topic}/${partition}`, count)
  for (const { topic, partition, lines } of marker.objects) add(`${topic}/${partition}`, -lines)
  const wrong = [...missing].filter(([, count]) => count !== 0)
  return wrong.map(([key, count]) => `land ${land.epoch}: ${key} lacks ${count} lines`)
}

function countDataset(
  { log, epochs }: VerifyParts,
  { topics }: Dataset,
  landed: ReadonlyMap<string, number>,
): DatasetAccount {
  const names = new Set(topics.map(({ name }) => name))
  const ends = epochs.ends().filter(({ topic }) => names.has(topic))
  const sum = (member: 'records' | 'lost' | 'skipped') => ends.reduce((total, end) => total + end[member], 0)
  const inLake = [...names].reduce((total, name) => total + (landed.get(name) ?? 0), 0)
  let notTaken = 0
  for (const { name, partitions } of log.topics()) {
    if (!names.has(name)) continue
    for (let partition = 0; partition < partitions; partition++) {
      const from = epochs.position(name, partition)
      if (log.offsets(name, partition).end <= from) continue
      notTaken += log.extent(name, partition, from, { records: Infinity, bytes: Infinity })?.count ?? 0
    }
  }
  const open = epochs.openTakes.flatMap(({ ranges }) => ranges.filter(({ topic }) => names.has(topic)))
  const notLanded = sum('records') - inLake
  return {
    appended: sum('records') + sum('lost') + sum('skipped') + notTaken,
    landed: inLake,
    // What was taken and has not landed is waiting only while an open take, or a land without its marker, names it.
    waiting: notTaken + (open.length > 0 || notLanded > 0 ? notLanded : 0),
    skipped: sum('skipped'),
    lost: sum('lost'),
  }
}

function tableOf(
  parts: VerifyParts,
  dataset: Dataset,
  path: CleaningPath,
  kind: 'data' | 'quarantine',
): DeltaTable | undefined {
  return parts.catalog.find(
    (entry) => entry.dataset === dataset.name && entry.path === path && entry.kind === kind,
  )?.table
}

/** A data table with its quarantine: account against rows, files against checksums. */
async function checkPair(
  parts: VerifyParts,
  dataset: Dataset,
  path: CleaningPath,
  history: History,
  checks: Check[],
) {
  const data = tableOf(parts, dataset, path, 'data')
  const quarantine = tableOf(parts, dataset, path, 'quarantine')
  const snapshot = await data?.snapshot()
  const bad = await quarantine?.snapshot()
  const name = `${path}.${dataset.name}`
  if (!data || !quarantine || !snapshot || !bad) {
    checks.push({ name, ok: true, detail: 'not run' })
    return undefined
  }
  const account = await accountOf(data, snapshot)
  const epoch = epochOf(snapshot, '')
  const { read, rows, duplicates, quarantined } = account
  const names = new Set(dataset.topics.map((topic) => topic.name))
  const expected = history.takes
    .filter((take) => take.epoch <= epoch)
    .flatMap(({ ranges }) => ranges)
    .reduce((sum, { topic, count }) => sum + (names.has(topic) ? count : 0), 0)
  const counted = await parts.engine.with((session) =>
    countPair(session, dataset, data, snapshot, quarantine, bad, epoch),
  )
  checks.push(
    {
      name: `${name}: read = rows + duplicates + quarantined`,
      ok: read === rows + duplicates + quarantined,
      detail: `${read} = ${rows} + ${duplicates} + ${quarantined}`,
    },
    {
      name: `${name}: read is what the epoch log holds`,
      ok: read === expected,
      detail: `${read} read, ${expected} up to epoch ${epoch}`,
    },
    {
      name: `${name}: rows are there, each key once`,
      ok: counted.rows === rows && counted.keys === rows,
      detail: `${counted.rows} rows, ${counted.keys} keys, ${rows} in the account`,
    },
    {
      name: `${name}: quarantined records are there, each place once`,
      ok: counted.bad === quarantined && counted.places === quarantined,
      detail: `${counted.bad} records, ${counted.places} places, ${quarantined} in the account`,
    },
  )
  const damaged = [...(await damagedFiles(data, snapshot)), ...(await damagedFiles(quarantine, bad))]
  checks.push({
    name: `${name}: files unchanged`,
    ok: damaged.length === 0,
    detail: damaged[0] ?? `${snapshot.files.size + bad.files.size} files match their checksums`,
  })
  return { read, rows, duplicates, quarantined }
}

async function countPair(
  session: Session,
  { key }: Dataset,
  data: DeltaTable,
  snapshot: Snapshot,
  quarantine: DeltaTable,
  bad: Snapshot,
  epoch: number,
) {
  const rows = await scanSql(data.store, data.prefix, snapshot)
  const keys =
    key.length === 0 ? 'count(*)' : `count(DISTINCT (${key.map((column) => `"${column}"`).join(', ')}))`
  const records = await scanSql(quarantine.store, quarantine.prefix, bad)
  // A quarantine commits before its data table: what is ahead belongs to a commit that is yet to come.
  const [row] = await session.rows(`SELECT * FROM
    (SELECT count(*) AS "rows", ${keys} AS keys FROM ${rows}),
    (SELECT count(*) AS bad, count(DISTINCT (topic, "partition", "offset")) AS places FROM ${records} WHERE epoch <= ${epoch})`)
  return row as Row & { rows: number; keys: number; bad: number; places: number }
}

async function damagedFiles(table: DeltaTable, { files }: Snapshot): Promise<string[]> {
  const damaged: string[] = []
  for (const [path, { tags }] of files) {
    const content = await table.store.get(`${table.prefix}/${path}`)
    const found = content && createHash('sha256').update(content).digest('hex')
    if (!found) damaged.push(`${table.prefix}/${path} is missing`)
    else if (tags?.sha256 !== undefined && tags.sha256 !== found)
      damaged.push(`${table.prefix}/${path} is not what was written: its SHA-256 differs`)
  }
  return damaged
}

/** Stream and batch, data and quarantine, row for row at the newest landing both have reached. */
async function checkAgreement(
  parts: VerifyParts,
  dataset: Dataset,
  history: History,
  checks: Check[],
): Promise<void> {
  const name = `${dataset.name}: stream = batch, row for row`
  const names = new Set(dataset.topics.map((topic) => topic.name))
  const notRun = (why: string) => checks.push({ name, ok: true, detail: `not run: ${why}` })
  const reached: number[] = []
  for (const path of cleaningPaths) {
    const table = tableOf(parts, dataset, path, 'data')
    const snapshot = await table?.snapshot()
    if (!table || !snapshot) return void notRun(`${path} has no table`)
    const done = epochOf(snapshot, '')
    // Takes without a record of this dataset do not show in its tables: they count as reached.
    const next = history.takes.find(
      ({ epoch, ranges }) => epoch > done && ranges.some(({ topic }) => names.has(topic)),
    )
    const landings = history.lands.filter(
      ({ takes }) => (takes.at(-1)?.epoch ?? 0) < (next?.epoch ?? Infinity),
    )
    reached.push(landings.at(-1)?.takes.at(-1)?.epoch ?? 0)
  }
  const epoch = Math.min(...reached)
  if (epoch === 0) return void notRun('no landing is in both')
  const differences: string[] = []
  for (const kind of ['data', 'quarantine'] as const) {
    const sides: string[] = []
    for (const path of cleaningPaths) {
      const table = tableOf(parts, dataset, path, kind)
      const snapshot = table && (await versionAt(table, epoch, kind === 'data' ? '' : '/quarantine'))
      if (!table || !snapshot) return void notRun(`${path} keeps no version at epoch ${epoch}`)
      sides.push(await scanSql(table.store, table.prefix, snapshot))
    }
    differences.push(...(await parts.engine.with((session) => sameRows(session, sides, kind))))
  }
  checks.push({ name, ok: differences.length === 0, detail: differences[0] ?? `equal at epoch ${epoch}` })
}

/** The newest version of a table whose epoch is at or below the given one. */
async function versionAt(table: DeltaTable, epoch: number, suffix: string): Promise<Snapshot | undefined> {
  const newest = await table.snapshot()
  if (!newest || epochOf(newest, suffix) <= epoch) return newest
  for (let version = newest.version - 1; version >= 0; version--) {
    const snapshot = await table.snapshot(version).catch(() => undefined)
    if (!snapshot || generationOf(snapshot) !== generationOf(newest)) return undefined
    if (epochOf(snapshot, suffix) <= epoch) return snapshot
  }
  return undefined
}

/** The epoch a table has reached in its generation. */
function epochOf(snapshot: Snapshot, suffix: string): number {
  const generation = `/${generationOf(snapshot)}/`
  const own = [...snapshot.txns].filter(
    ([appId]) =>
      appId.startsWith('pinflow/') &&
      appId.includes(generation) &&
      appId.endsWith('/quarantine') === (suffix !== ''),
  )
  return Math.max(0, ...own.map(([, version]) => version))
}

async function guarded<T>(name: string, checks: Check[], action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch (error) {
    checks.push({ name, ok: false, detail: messageOf(error) })
    return undefined
  }
}
