import { createHash } from 'node:crypto'
import {
  accountOf,
  type CleaningPath,
  cleaningPaths,
  definitionOf,
  epochOf,
  generationOf,
} from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import type { Row, Session } from '../engine/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { PipelineParts } from '../query/index.ts'
import { type DeltaTable, type Snapshot, scanSql } from '../table/index.ts'
import { sameRows } from './account.ts'
import type { Check, History } from './check.ts'

function tableOf(
  parts: PipelineParts,
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
  parts: PipelineParts,
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
  const epoch = epochOf(snapshot)
  const { read, rows, duplicates, quarantined } = account
  const names = new Set(dataset.topics.map((topic) => topic.name))
  const expected = (await takesUpTo(epoch, parts, history))
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
    generationOf(bad) === generationOf(snapshot)
      ? {
          name: `${name}: quarantined records are there, each place once`,
          ok: counted.bad === quarantined && counted.places === quarantined,
          detail: `${counted.bad} records, ${counted.places} places, ${quarantined} in the account`,
        }
      : {
          name: `${name}: quarantined records are there, each place once`,
          ok: true,
          detail: 'not run: a rebuild is not finished',
        },
  )
  const files = [...(await findFiles(data, snapshot)), ...(await findFiles(quarantine, bad))]
  const damaged = files.find(({ damage }) => damage !== undefined)?.damage
  const untold = files.filter(({ isTold }) => !isTold).length
  checks.push({
    name: `${name}: files unchanged`,
    ok: damaged === undefined,
    detail:
      damaged ??
      `${files.length - untold} files match their checksums${untold > 0 ? `, ${untold} have none` : ''}`,
  })
  return { read, rows, duplicates, quarantined }
}

/** A table may have gone on since the history was read. */
async function takesUpTo(epoch: number, { epochs }: PipelineParts, { takes }: History) {
  const known = [...takes]
  for await (const take of epochs.epochsAfter(takes.at(-1)?.epoch ?? 0)) known.push(take)
  return known.filter((take) => take.epoch <= epoch)
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

/** Each file of a snapshot: whether it has a checksum, and what is wrong with it. */
async function findFiles(
  table: DeltaTable,
  { files }: Snapshot,
): Promise<{ isTold: boolean; damage?: string }[]> {
  const found = []
  for (const [path, { tags }] of files) {
    const key = `${table.prefix}/${path}`
    const content = await table.store.get(key)
    const isTold = tags?.sha256 !== undefined
    if (!content) found.push({ isTold, damage: `${key} is missing` })
    else if (isTold && createHash('sha256').update(content).digest('hex') !== tags.sha256)
      found.push({ isTold, damage: `${key} is not what was written: its SHA-256 differs` })
    else found.push({ isTold })
  }
  return found
}

/** Stream and batch, data and quarantine, row for row at the newest landing at which both have a version. */
export async function checkAgreement(
  parts: PipelineParts,
  dataset: Dataset,
  history: History,
  checks: Check[],
): Promise<void> {
  const name = `${dataset.name}: stream = batch, row for row`
  const notRun = (why: string) => checks.push({ name, ok: true, detail: `not run: ${why}` })
  const sides: Side[] = []
  const definitions = new Set<string>()
  for (const path of cleaningPaths) {
    const data = tableOf(parts, dataset, path, 'data')
    const quarantine = tableOf(parts, dataset, path, 'quarantine')
    const newest = await data?.snapshot()
    const bad = await quarantine?.snapshot()
    if (!data || !quarantine || !newest || !bad) return void notRun(`${path} has no table`)
    if (generationOf(newest) !== generationOf(bad)) return void notRun(`a rebuild of ${path} is not finished`)
    definitions.add(definitionOf(newest))
    sides.push({ data, quarantine, bad, landings: landingsOf(data, newest, dataset, history) })
  }
  // Between the two halves of a rebuild under a changed definition.
  if (definitions.size > 1) return void notRun('stream and batch are of two definitions')
  const epoch = await commonLanding(sides)
  if (epoch === undefined) return void notRun('no landing is in both')
  const relations = { data: [] as string[], quarantine: [] as string[] }
  for (const { data, quarantine, bad, at } of sides) {
    const snapshot = at && (await data.snapshot(at.version))
    if (!snapshot) return void notRun(`no version is kept at epoch ${epoch}`)
    relations.data.push(await scanSql(data.store, data.prefix, snapshot))
    // Its rows stay, and say their epoch; its versions may hold more than one landing.
    const records = await scanSql(quarantine.store, quarantine.prefix, bad)
    relations.quarantine.push(`(SELECT * FROM ${records} WHERE epoch <= ${epoch})`)
  }
  const differences: string[] = []
  for (const kind of ['data', 'quarantine'] as const)
    differences.push(...(await parts.engine.with((session) => sameRows(session, relations[kind], kind))))
  checks.push({ name, ok: differences.length === 0, detail: differences[0] ?? `equal at epoch ${epoch}` })
}

/** A version of a data table that ends at a landing: the landing's last epoch. */
interface AtLanding {
  version: number
  epoch: number
}

interface Side {
  data: DeltaTable
  quarantine: DeltaTable
  bad: Snapshot
  /** Newest first. */
  landings: AsyncGenerator<AtLanding>
  at?: AtLanding
}

/** Move both sides back to the newest landing at which each has a version. @returns its last epoch */
async function commonLanding(sides: Side[]): Promise<number | undefined> {
  for (;;) {
    const newest = Math.max(...sides.map(({ at }) => at?.epoch ?? Number.POSITIVE_INFINITY))
    if (sides.every(({ at }) => at?.epoch === newest)) return newest
    for (const side of sides) {
      if ((side.at?.epoch ?? Number.POSITIVE_INFINITY) < newest) continue
      const { value } = await side.landings.next()
      if (!value) return undefined
      side.at = value as AtLanding
    }
  }
}

/** Versions of a data table's generation that end at a landing above the first. */
async function* landingsOf(
  table: DeltaTable,
  newest: Snapshot,
  dataset: Dataset,
  { takes, lands }: History,
): AsyncGenerator<AtLanding> {
  const names = new Set(dataset.topics.map((topic) => topic.name))
  const generation = generationOf(newest)
  for (let { version } = newest; version >= 0; version--) {
    const stated = await stateOf(table, version, newest)
    if (stated?.generation !== generation) return
    // Takes without a record of this dataset do not show in its tables: they count as reached.
    const next = takes.find(
      ({ epoch, ranges }) => epoch > stated.epoch && ranges.some(({ topic }) => names.has(topic)),
    )
    const ends = lands.map((land) => land.takes.at(-1)?.epoch ?? 0)
    const epoch = ends.findLast((end) => end < (next?.epoch ?? Number.POSITIVE_INFINITY)) ?? 0
    if (epoch > 0 && stated.epoch <= epoch) yield { version, epoch }
  }
}

/** Generation and epoch of a version, as its commit says; undefined where the log does not have it any more. */
async function stateOf(table: DeltaTable, version: number, newest: Snapshot) {
  if (version === newest.version) return { generation: generationOf(newest), epoch: epochOf(newest) }
  const info = await table.commitInfo(version).catch((error: unknown) => {
    if (error instanceof PipelineError && error.code === 'TABLE_VERSION_UNKNOWN') return undefined
    throw error
  })
  return info?.pinflow as { generation: number; epoch: number } | undefined
}
