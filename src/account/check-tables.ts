import { createHash } from 'node:crypto'
import { accountOf, type CleaningPath, cleaningPaths, generationOf } from '../clean/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import { type DeltaTable, type Row, type Session, type Snapshot, scanSql } from '../table/index.ts'
import { sameRows } from './account.ts'
import type { Check, History, VerifyParts } from './check.ts'

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
export async function checkPair(
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
export async function checkAgreement(
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
