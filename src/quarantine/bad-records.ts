import type { CleaningPath } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { literal, type Session } from '../engine/index.ts'
import type { EpochLog } from '../lake/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { CatalogTable, PipelineParts } from '../query/index.ts'
import { scanSql } from '../table/index.ts'
import { conditionOf, type Filter, markedConditionOf } from './filter.ts'
import { Reviews, reviewedTable } from './reviews.ts'

export interface QuarantineParts extends PipelineParts {
  temporaryFolder: string
}

/** Bad records of a dataset as relations of a session. A record is one for each reason: as a rule it has one. */
export interface BadRecords {
  session: Session
  /** As the tables have them: `path` and the columns of a quarantine. */
  stored: string
  /**
   * Both ways of cleaning put together: `topic`, `partition`, `offset`, `reason`, `detail`, `epoch`, `append_time`,
   * `stream` and `batch` (whether it is bad in each), `reviewed`. Narrowed to the filter.
   */
  marked: string
  /** Of either relation. */
  parameters: (string | number)[]
}

/** Look at the bad records of a dataset that a filter means. @throws TABLE_DAMAGED, REVIEWS_DAMAGED */
export async function withBadRecords<T>(
  { catalog, engine, lake, pipeline }: Pick<QuarantineParts, 'catalog' | 'engine' | 'lake' | 'pipeline'>,
  dataset: string,
  filter: Filter,
  action: (bad: BadRecords) => Promise<T>,
): Promise<T> {
  const stored = await storedSql(catalog, dataset)
  const { sql: condition, parameters } = conditionOf(filter)
  const narrowed = `(SELECT * FROM ${stored} WHERE ${condition})`
  return engine.with(async (session) => {
    await new Reviews(lake, pipeline.name).load(session, dataset)
    return action({ session, stored: narrowed, marked: markedSql(narrowed, filter), parameters })
  })
}

async function storedSql(catalog: readonly CatalogTable[], dataset: string): Promise<string> {
  const parts: string[] = []
  for (const entry of catalog) {
    if (entry.dataset !== dataset || entry.kind !== 'quarantine') continue
    const snapshot = await entry.table.snapshot()
    if (!snapshot) continue
    const scan = await scanSql(entry.table.store, entry.table.prefix, snapshot)
    parts.push(`SELECT ${literal(entry.path)} AS path, * FROM ${scan}`)
  }
  if (parts.length > 0) return `(${parts.join(' UNION ALL ')})`
  throw new PipelineError('TABLE_UNKNOWN', `dataset ${dataset} has no quarantine yet`)
}

function markedSql(stored: string, filter: Filter): string {
  const place = 'topic, "partition", "offset", reason'
  const has = (path: CleaningPath) => `bool_or(path = ${literal(path)}) AS ${path}`
  const together = `SELECT ${place}, max(detail) AS detail, max(epoch) AS epoch, max(append_time) AS append_time,
      ${has('stream')}, ${has('batch')} FROM ${stored} GROUP BY ${place}`
  // Stretches may overlap, where two platforms reviewed at once: the longest of those that have begun counts.
  const stretches = `SELECT topic, "partition", reason, "from",
      max("to") OVER (PARTITION BY topic, "partition", reason ORDER BY "from") AS "to" FROM ${reviewedTable}`
  return `(SELECT * FROM (
    SELECT bad.*, coalesce(bad."offset" < stretch."to", false) AS reviewed FROM (${together}) AS bad
    ASOF LEFT JOIN (${stretches}) AS stretch ON bad.topic = stretch.topic AND bad."partition" = stretch."partition"
      AND bad.reason = stretch.reason AND bad."offset" >= stretch."from"
  ) WHERE ${markedConditionOf(filter)})`
}

/** The datasets that are meant. @throws TABLE_UNKNOWN */
export function datasetsOf(
  { pipeline }: Pick<QuarantineParts, 'pipeline'>,
  name?: string,
): readonly Dataset[] {
  if (name === undefined) return pipeline.datasets
  const found = pipeline.datasets.filter((dataset) => dataset.name === name)
  if (found.length > 0) return found
  const known = pipeline.datasets.map((dataset) => dataset.name).join(', ')
  throw new PipelineError('TABLE_UNKNOWN', `there is no dataset ${name}, but ${known}`)
}

/** The ways of cleaning in which a record is bad. */
export function pathsOf(row: Record<string, unknown>): CleaningPath[] {
  return (['stream', 'batch'] as const).filter((path) => row[path] === true)
}

/** When an epoch was taken; undefined when there is none of that number. */
export async function takenMs(epochs: EpochLog, epoch: number): Promise<number | undefined> {
  const { value } = await epochs.epochsAfter(epoch - 1).next()
  return value?.epoch === epoch ? value.timeMs : undefined
}
