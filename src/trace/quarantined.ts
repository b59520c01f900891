import { helpOf, membersOf, splitReason } from '../clean/index.ts'
import { PipelineError, type Place } from '../core/index.ts'
import { literal, type Row } from '../engine/index.ts'
import { type Dataset, mostAlike, typeText } from '../pipeline/index.ts'
import type { CatalogTable } from '../query/index.ts'
import { type Snapshot, scanSql } from '../table/index.ts'
import type { Quarantined } from './life.ts'
import type { TracedDataset } from './parts.ts'
import { mayHoldRow } from './rows.ts'

/** A long value is cut for people: `quarantine show` has it whole. */
const shownMax = 200

/** The entry of a record in a quarantine; undefined where it is not there. */
export async function findQuarantined(
  { table }: CatalogTable,
  snapshot: Snapshot,
  { topic, partition, offset }: Place,
): Promise<Row | undefined> {
  const wanted = [
    { column: 'topic', text: topic },
    { column: 'partition', text: String(partition) },
    { column: 'offset', text: String(offset) },
  ]
  const files = new Map([...snapshot.files].filter(([, file]) => mayHoldRow(file, snapshot.schema, wanted)))
  if (files.size === 0) return undefined
  const relation = await scanSql(table.store, table.prefix, { ...snapshot, files })
  const place = `topic = ${literal(topic)} AND "partition" = ${partition} AND "offset" = ${offset}`
  return table.engine.with(
    async (session) => (await session.rows(`SELECT * FROM ${relation} WHERE ${place} LIMIT 1`))[0],
  )
}

/** Why a record is bad, and what would mend it. @param entry its row in the quarantine */
export async function explain(
  { dataset, cleaner }: TracedDataset,
  datasets: readonly Dataset[],
  table: string,
  entry: Row,
): Promise<Quarantined> {
  const [code, column] = splitReason(String(entry.reason))
  const value = Buffer.isBuffer(entry.value) ? entry.value : null
  const shown = column === undefined ? undefined : shownValue(dataset, column, value)
  const rule = ruleOf(dataset, datasets, code, column, value)
  const help = helpOf(code)
  const passesNow = code !== 'DUPLICATE_KEY_DIFFERS' && (await passes(cleaner, value))
  const replay = `\`pinflow quarantine replay ${dataset.name}\` cleans it again: by itself it passes under the present definition; the preview says whether another record has its key.`
  return {
    state: 'quarantined',
    table,
    reason: code,
    ...(column !== undefined && { column }),
    ...(shown !== undefined && { value: shown }),
    ...(rule !== undefined && { rule }),
    ...(typeof entry.detail === 'string' && { detail: entry.detail }),
    help,
    passesNow,
    next: passesNow ? replay : help,
  }
}

async function passes(cleaner: TracedDataset['cleaner'], value: Buffer | null): Promise<boolean> {
  try {
    const [cleaned] = await cleaner.clean([value])
    return cleaned?.row !== undefined
  } catch (error) {
    if (error instanceof PipelineError) return false
    throw error
  }
}

/** What a record has for a column, as it came. */
function shownValue({ schema }: Dataset, column: string, value: Buffer | null): string | undefined {
  const names = schema[column]?.from ?? [column]
  const members = value === null ? undefined : membersOf(value)
  for (const name of names) {
    const text = members?.findLast((member) => member.name === name && member.kind !== 'null')?.text
    if (text !== undefined) return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`
  }
  return undefined
}

function ruleOf(
  dataset: Dataset,
  datasets: readonly Dataset[],
  code: string,
  column: string | undefined,
  value: Buffer | null,
): string | undefined {
  const raw = column === undefined ? undefined : dataset.schema[column]
  if (code === 'TYPE_MISMATCH' && raw) return `${column} is ${typeText(raw)}`
  if (code === 'VALUE_INVALID') return `the cleaning text of ${dataset.name} does not take this ${column}`
  if (code === 'KEY_MISSING') return `${dataset.key.join(' and ')} must be there: the key of ${dataset.name}`
  if (code !== 'FOREIGN_RECORD' || value === null) return undefined
  const best = mostAlike(datasets, new Set(membersOf(value)?.map(({ name }) => name)))
  if (!best || best.dataset.name === dataset.name) return undefined
  const topics = best.dataset.topics.map(({ name }) => name).join(' or ')
  return `it has ${best.columns} columns of dataset ${best.dataset.name}, whose records go to ${topics}`
}
