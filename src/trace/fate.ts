import {
  type CleaningPath,
  definitionOf,
  epochOf,
  fileEpochs,
  membersOf,
  pausedAtOf,
} from '../clean/index.ts'
import { PipelineError, type Place } from '../core/index.ts'
import type { EpochRecord } from '../lake/index.ts'
import type { CatalogTable } from '../query/index.ts'
import type { Snapshot } from '../table/index.ts'
import type { Fate, Waiting } from './life.ts'
import { makerOf } from './maker.ts'
import type { TracedDataset, Tracer } from './parts.ts'
import type { FoundPlace } from './place.ts'
import { explain, findQuarantined } from './quarantined.ts'
import { findRow, keyOfRow, rowPlace, type Wanted } from './rows.ts'

/** What became of a record in one of its dataset's two tables; undefined where it never gets there. */
export async function fateOf(
  tracer: Tracer,
  traced: TracedDataset,
  path: CleaningPath,
  place: Place,
  at: FoundPlace,
): Promise<Fate | undefined> {
  if (at.found?.kind === 'gap' || at.log.state === 'empty' || at.epoch.state === 'leftOut') return undefined
  const data = tracer.table(traced.dataset.name, path, 'data')
  try {
    const snapshot = await data.table.snapshot()
    const epoch = at.found?.epoch.epoch
    if (!snapshot || epoch === undefined || epoch > epochOf(snapshot))
      return waiting(tracer, traced, path, data, snapshot, at)
    return await cleaned(tracer, traced, path, { place, at, data, snapshot, epoch })
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { state: 'unreadable', table: data.name, message: error.message, next: error.next }
  }
}

interface CleanedPlace {
  place: Place
  at: FoundPlace
  data: CatalogTable
  snapshot: Snapshot
  epoch: number
}

/** The fate of a record whose epoch the tables have reached. */
async function cleaned(
  tracer: Tracer,
  traced: TracedDataset,
  path: CleaningPath,
  { place, at, data, snapshot, epoch }: CleanedPlace,
): Promise<Fate> {
  const { dataset } = traced
  const quarantine = tracer.table(dataset.name, path, 'quarantine')
  const bad = await quarantine.table.snapshot()
  const entry = bad && (await findQuarantined(quarantine, bad, place))
  if (entry) {
    // The bytes are in the entry as they are in the record.
    return explain(traced, tracer.parts.pipeline.datasets, quarantine.name, entry)
  }
  const { record } = at
  if (!record)
    return {
      state: 'unreadable',
      table: data.name,
      message: 'the record can be read neither from the log nor from the lake, so its key is not known',
      next: '`pinflow verify` says what is damaged.',
    }
  const wanted = await keyOf(tracer, traced, record)
  if (wanted.length === 0) return appended(tracer, data, snapshot, traced, record, epoch)
  const found = await findRow(data, snapshot, wanted)
  if (!found) {
    const why = `it was cleaned, and ${data.name} has no row with ${keyText(wanted)}`
    const next = `\`pinflow tables history ${data.name}\` shows what was done to the table; \`pinflow verify\` recounts it.`
    return { state: 'gone', table: data.name, version: snapshot.version, why, next }
  }
  const row = await rowPlace(data, snapshot, found)
  const maker = await makerOf(tracer, traced, found, epochOf(snapshot))
  if (maker && isSame(maker, place)) return { state: 'row', ...row }
  return { state: 'duplicate', ...(maker && { of: placeOf(maker) }), ...row }
}

/** A record of a dataset without a key is a row of its own: as it is cleaned, in the file of its epoch. */
async function appended(
  tracer: Tracer,
  data: CatalogTable,
  snapshot: Snapshot,
  traced: TracedDataset,
  record: EpochRecord,
  epoch: number,
): Promise<Fate> {
  const [judged] = await tracer.clean(traced, [record])
  const row = judged?.row
  const columns = Object.entries(row ?? {}).filter(([, value]) => value !== null && typeof value !== 'object')
  const wanted = columns.map(([column, value]) => ({ column, text: String(value) }))
  const found = row && (await findRow(data, withEpoch(snapshot, epoch), wanted))
  if (found) return { state: 'row', ...(await rowPlace(data, snapshot, found)) }
  const why = `it was cleaned, and ${data.name} has no row like it`
  const next = `\`pinflow tables rebuild ${traced.dataset.name}\` makes the tables anew from the lake.`
  return { state: 'gone', table: data.name, version: snapshot.version, why, next }
}

/** With only those files that may hold rows of an epoch. */
function withEpoch(snapshot: Snapshot, epoch: number): Snapshot {
  const files = [...snapshot.files].filter(([, file]) => {
    const span = fileEpochs(file)
    return !span || (span.from <= epoch && epoch <= span.to)
  })
  return { ...snapshot, files: new Map(files) }
}

/** The key of a record's row; that of its members, where the present definition makes no row of it. */
async function keyOf(tracer: Tracer, traced: TracedDataset, record: EpochRecord): Promise<Wanted[]> {
  const { dataset } = traced
  const { value } = record
  const [judged] = await tracer.clean(traced, [record])
  if (judged?.row) return keyOfRow(traced, judged.row)
  const members = (value && membersOf(value)) ?? []
  return dataset.key.flatMap((column) => {
    const names = dataset.schema[column]?.from ?? [column]
    const member = names.map((name) => members.findLast((one) => one.name === name)).find(Boolean)
    return member ? [{ column, text: member.text }] : []
  })
}

async function waiting(
  tracer: Tracer,
  { dataset }: TracedDataset,
  path: CleaningPath,
  data: CatalogTable,
  snapshot: Snapshot | undefined,
  { log, epoch, lake }: FoundPlace,
): Promise<Waiting> {
  const { parts } = tracer
  const sinceMs = log.state === 'held' ? log.appendTimeMs : epoch.state === 'taken' ? epoch.timeMs : undefined
  const ageMs = sinceMs === undefined ? {} : { ageMs: Math.max(0, parts.nowMs - sinceMs) }
  const waits = (what: Waiting['for'], why: string, next: string): Waiting => ({
    state: 'waiting',
    table: data.name,
    for: what,
    ...ageMs,
    why,
    next,
  })
  const standing = parts.cleaning(path, dataset.name)
  const pausedAt = snapshot && pausedAtOf(snapshot)
  if (pausedAt !== undefined)
    return waits(
      'resume',
      `the tables were restored to epoch ${pausedAt}, and their cleaning is paused`,
      `\`pinflow tables resume ${dataset.name}\` lets it go on.`,
    )
  if (snapshot && definitionOf(snapshot) !== dataset.definition)
    return waits(
      'rebuild',
      `the definition of ${dataset.name} has changed, and ${data.name} was made by the old one: its cleaning stands still`,
      `\`pinflow tables rebuild ${dataset.name}\` brings all history over to the new one.`,
    )
  if (standing?.error !== undefined)
    return waits(
      'repair',
      `the cleaning of ${data.name} ${standing.state === 'retrying' ? 'fails and is tried again' : 'has stopped'}: ${standing.error}`,
      '`pinflow tables` says what stands still.',
    )
  if (path === 'batch' && lake.state === 'landed')
    return waits('batch', 'it is in the lake, and no batch has run since', '`pinflow run batch` cleans it.')
  if (!parts.running)
    return waits(
      'start',
      'nothing takes, lands or cleans records at present',
      '`pinflow start` goes on with it.',
    )
  if (epoch.state === 'waiting')
    return waits('take', `it is taken within ${parts.takeMs} ms`, 'Look again in a second.')
  if (path === 'batch')
    return waits('landing', `it lands within ${parts.landMs} ms`, 'Then `pinflow run batch` cleans it.')
  return waits(
    'cleaning',
    `its epoch is yet to be cleaned; ${data.name} is at epoch ${snapshot ? epochOf(snapshot) : 0}`,
    'Look again in a second.',
  )
}

export function keyText(wanted: readonly Wanted[]): string {
  return wanted.map(({ column, text }) => `${column} = ${text}`).join(', ')
}

export function isSame(a: Place, b: Place): boolean {
  return a.topic === b.topic && a.partition === b.partition && a.offset === b.offset
}

export function placeOf({ topic, partition, offset }: Place): Place {
  return { topic, partition, offset }
}
