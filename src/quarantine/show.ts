import {
  type CleanedRecord,
  type CleaningPath,
  definitionOf,
  generationOf,
  helpOf,
  membersOf,
  RecordCleaner,
  type RecordMember,
} from '../clean/index.ts'
import { PipelineError, type Place, placeText } from '../core/index.ts'
import type { Row } from '../engine/index.ts'
import { findOffset, lineAt } from '../lake/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import { type DeltaTable, type Snapshot, scanSql } from '../table/index.ts'
import { adviceFor } from './advice.ts'
import { type QuarantineParts, takenMs, withBadRecords } from './bad-records.ts'
import { firstWithKey } from './first-record.ts'
import { type Review, Reviews } from './reviews.ts'

/** Why a record is bad, in one of its dataset's quarantines or in both. */
export interface ShownReason {
  paths: CleaningPath[]
  reason: string
  help: string
  detail: string | null
  /** By way of cleaning: the version of the quarantine table that brought it; null where its log begins later. */
  sinceVersion: Partial<Record<CleaningPath, number | null>>
  /** What to do about it, concretely; sentences. */
  fix: string[]
  review: Pick<Review, 'note' | 'by' | 'timeMs'> | null
}

/** What the present definition makes of the record. */
export type Verdict =
  | { fate: 'row'; row: Row }
  /** It would be good, and a row with its key is there. */
  | { fate: 'duplicate' | 'differs'; row: Row; first: Place | null; present: Row; columns: string[] }
  | { fate: 'bad'; reason: string; detail: string | null }

export interface ShownRecord extends Place {
  dataset: string
  value: Buffer | null
  key: Buffer | null
  headers: { name: string; value: Buffer | null }[]
  timestampMs: number | null
  appendTimeMs: number | null
  epoch: number
  takenMs: number | null
  /** Where it lies in the lake; `line` counts from 1. Null while it has not landed. */
  object: { key: string; line: number } | null
  reasons: ShownReason[]
  now: Verdict
  /** Whether a table that holds it was made by another definition: then a replay may help. */
  definitionChanged: boolean
}

/** Everything about one bad record. @throws RECORD_NOT_BAD, TOPIC_UNKNOWN */
export async function showBadRecord(parts: QuarantineParts, place: Place): Promise<ShownRecord> {
  const dataset = datasetOf(parts, place.topic)
  const stored = await withBadRecords(parts, dataset.name, place, ({ session, stored, parameters }) =>
    session.rows(
      `SELECT *, epoch_ms("timestamp") AS timestamp_ms, epoch_ms(append_time) AS append_ms
       FROM ${stored} ORDER BY path DESC`,
      parameters,
    ),
  )
  const [first] = stored
  if (!first)
    throw new PipelineError('RECORD_NOT_BAD', `${placeText(place)} is in no quarantine of ${dataset.name}`)
  const told = <T>(name: string) => (stored.find((row) => row[name] !== null)?.[name] ?? null) as T | null
  const value = first.value as Buffer | null
  const epoch = Number(first.epoch)
  const verdict = await judge(parts, dataset, value, epoch)
  return {
    dataset: dataset.name,
    ...place,
    value,
    key: told<Buffer>('key'),
    headers: headersOf(told<string>('headers')),
    timestampMs: told<number>('timestamp_ms'),
    appendTimeMs: told<number>('append_ms'),
    epoch,
    takenMs: (await takenMs(parts.epochs, epoch)) ?? null,
    object: await objectOf(parts, place),
    reasons: await reasonsOf(parts, dataset, place, stored, verdict),
    now: verdict,
    definitionChanged: await isOfOtherDefinition(parts, dataset),
  }
}

function datasetOf({ pipeline }: QuarantineParts, topic: string): Dataset {
  const found = pipeline.datasets.find(({ topics }) => topics.some(({ name }) => name === topic))
  if (found) return found
  const known = pipeline.datasets.flatMap(({ topics }) => topics.map(({ name }) => name)).join(', ')
  throw new PipelineError('TOPIC_UNKNOWN', `no dataset reads topic ${topic}; they read ${known}`)
}

function headersOf(text: string | null): ShownRecord['headers'] {
  const headers = JSON.parse(text ?? '[]') as { name: string; base64: string | null }[]
  return headers.map(({ name, base64 }) => ({
    name,
    value: base64 === null ? null : Buffer.from(base64, 'base64'),
  }))
}

async function objectOf({ epochs, landing }: QuarantineParts, place: Place): Promise<ShownRecord['object']> {
  const found = await findOffset(epochs, landing, place)
  const land = found?.kind === 'taken' ? found.epoch.land : undefined
  if (land === undefined || land > (await landing.newest())) return null
  return lineAt(await landing.marker(land), place) ?? null
}

async function reasonsOf(
  parts: QuarantineParts,
  dataset: Dataset,
  place: Place,
  stored: readonly Row[],
  verdict: Verdict,
): Promise<ShownReason[]> {
  const reasons = new Map<string, ShownReason>()
  const members: readonly RecordMember[] | undefined =
    stored[0]?.value == null ? undefined : membersOf(stored[0].value as Buffer)
  for (const row of stored) {
    const reason = String(row.reason)
    const detail = row.detail === null ? null : String(row.detail)
    const path = row.path as CleaningPath
    const shown = reasons.get(reason) ?? {
      paths: [],
      reason,
      help: helpOf(reason),
      detail,
      sinceVersion: {},
      fix: adviceFor({
        ...parts,
        dataset,
        reason,
        detail,
        members,
        value: row.value as Buffer | null,
        verdict,
      }),
      review: await reviewOf(parts, dataset, place, reason),
    }
    shown.paths.push(path)
    shown.sinceVersion[path] = await sinceVersion(parts, dataset.name, path, Number(row.epoch))
    reasons.set(reason, shown)
  }
  return [...reasons.values()]
}

/** The newest review that names a record. */
async function reviewOf(
  { lake, pipeline }: QuarantineParts,
  dataset: Dataset,
  { topic, partition, offset }: Place,
  reason: string,
): Promise<ShownReason['review']> {
  let found: ShownReason['review'] = null
  for await (const { dataset: name, places, note, by, timeMs } of new Reviews(lake, pipeline.name).all()) {
    const names = places.some(
      (place) =>
        place.topic === topic &&
        place.partition === partition &&
        place.reason === reason &&
        place.offsets.some(([from, to]) => from <= offset && offset < to),
    )
    if (name === dataset.name && names) found = { note, by, timeMs }
  }
  return found
}

/** The version that brought an epoch's records: versions of one generation have rising epochs. */
async function sinceVersion(
  { catalog }: QuarantineParts,
  dataset: string,
  path: CleaningPath,
  epoch: number,
): Promise<number | null> {
  const entry = catalog.find(
    (known) => known.dataset === dataset && known.path === path && known.kind === 'quarantine',
  )
  const snapshot = await entry?.table.snapshot()
  if (!entry || !snapshot) return null
  let [low, high] = [0, snapshot.version]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((await holdsEpoch(entry.table, snapshot, middle, epoch)) === true) high = middle
    else low = middle + 1
  }
  const before = low === 0 ? false : await holdsEpoch(entry.table, snapshot, low - 1, epoch)
  return before === undefined ? null : low
}

/** Whether a version has an epoch's records; undefined where its commit is gone. */
async function holdsEpoch(
  table: DeltaTable,
  newest: Snapshot,
  version: number,
  epoch: number,
): Promise<boolean | undefined> {
  try {
    const told = (await table.commitInfo(version))?.pinflow as
      | { epoch: number; generation: number }
      | undefined
    return told !== undefined && told.generation === generationOf(newest) && told.epoch >= epoch
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'TABLE_VERSION_UNKNOWN') return undefined
    throw error
  }
}

async function isOfOtherDefinition({ catalog }: QuarantineParts, dataset: Dataset): Promise<boolean> {
  for (const entry of catalog) {
    if (entry.dataset !== dataset.name || entry.kind !== 'data') continue
    const snapshot = await entry.table.snapshot()
    if (snapshot && definitionOf(snapshot) !== dataset.definition) return true
  }
  return false
}

async function judge(
  parts: QuarantineParts,
  dataset: Dataset,
  value: Buffer | null,
  epoch: number,
): Promise<Verdict> {
  const cleaner = await RecordCleaner.open({ ...parts, dataset, datasets: parts.pipeline.datasets })
  const [cleaned] = (await cleaner.clean([value])) as [CleanedRecord]
  if (cleaned.bad) return { fate: 'bad', reason: cleaned.bad.reason, detail: cleaned.bad.detail ?? null }
  const { row, key } = cleaned
  // Under `last` a repeat takes the place of what is there, and nothing is bad for it.
  if (key === null || value === null || dataset.onDuplicate === 'last') return { fate: 'row', row }
  const present = await rowWithKey(parts, dataset, cleaner, key)
  if (!present) return { fate: 'row', row }
  // A row of an earlier definition may have other columns.
  const columns = Object.keys(row).filter(
    (name) => name in present && JSON.stringify(row[name]) !== JSON.stringify(present[name]),
  )
  const first = await firstWithKey(parts, dataset, cleaner, { value, key, epoch })
  const fate = columns.length > 0 ? 'differs' : 'duplicate'
  const { topic, partition, offset } = first ?? {}
  const place =
    topic === undefined || partition === undefined || offset === undefined
      ? null
      : { topic, partition, offset }
  return { fate, row, present, columns, first: place }
}

/** The row with a key, of a table that has the key's columns; one of the present definition before any other. */
async function rowWithKey(
  { catalog, engine }: QuarantineParts,
  dataset: Dataset,
  cleaner: RecordCleaner,
  key: string,
): Promise<Row | undefined> {
  const found: { row: Row; isPresent: boolean }[] = []
  for (const { table, ...entry } of catalog) {
    if (entry.dataset !== dataset.name || entry.kind !== 'data') continue
    const snapshot = await table.snapshot()
    const hasKey = dataset.key.every((column) => snapshot?.schema.some(({ name }) => name === column))
    if (!snapshot || !hasKey) continue
    const relation = await scanSql(table.store, table.prefix, snapshot)
    const [row] = await engine.with((session) =>
      session.rows(`SELECT * FROM ${relation} WHERE ${cleaner.keySql()} = CAST($1 AS VARCHAR)`, [key]),
    )
    if (row) found.push({ row, isPresent: definitionOf(snapshot) === dataset.definition })
  }
  return (found.find(({ isPresent }) => isPresent) ?? found[0])?.row
}
