import type { CleaningPath } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { datasetsOf, pathsOf, type QuarantineParts, takenMs, withBadRecords } from './bad-records.ts'
import type { Filter } from './filter.ts'

/** Bad records of one dataset and reason that the same ways of cleaning found bad. */
export interface ReasonCount {
  dataset: string
  paths: CleaningPath[]
  reason: string
  records: number
  /** Of them. */
  reviewed: number
  /** When the newest of them came in. */
  newestMs: number | null
}

export interface ListedRecord {
  dataset: string
  topic: string
  partition: number
  offset: number
  paths: CleaningPath[]
  reason: string
  detail: string | null
  epoch: number
  /** When it came in; where only the lake was read, when it was taken. */
  timeMs: number | null
  reviewed: boolean
  /** The first bytes; null for no value at all. */
  beginning: Buffer | null
  valueBytes: number | null
}

const beginningBytes = 160

/** How many records are bad for which reason, by dataset, most first; and the datasets of which that cannot be told. */
export async function countBadRecords(
  parts: QuarantineParts,
  dataset?: string,
): Promise<{ counts: ReasonCount[]; unreadable: { dataset: string; message: string }[] }> {
  const counts: ReasonCount[] = []
  const unreadable: { dataset: string; message: string }[] = []
  for (const { name } of datasetsOf(parts, dataset)) {
    try {
      counts.push(...(await countDataset(parts, name)))
    } catch (error) {
      // What is wrong with one does not hide the others.
      if (!(error instanceof PipelineError) || !error.code.startsWith('TABLE_')) throw error
      unreadable.push({ dataset: name, message: error.message })
    }
  }
  return { counts, unreadable }
}

async function countDataset(parts: QuarantineParts, dataset: string): Promise<ReasonCount[]> {
  const rows = await withBadRecords(parts, dataset, {}, ({ session, marked }) =>
    session.rows(
      `SELECT stream, batch, reason, count(*) AS records, count(*) FILTER (reviewed) AS reviewed,
         max(epoch) AS epoch, epoch_ms(max(append_time)) AS newest_ms
       FROM ${marked} GROUP BY stream, batch, reason ORDER BY records DESC, reason`,
    ),
  )
  const counts: ReasonCount[] = []
  for (const row of rows) {
    counts.push({
      dataset,
      paths: pathsOf(row),
      reason: String(row.reason),
      records: Number(row.records),
      reviewed: Number(row.reviewed),
      newestMs: await timeOf(parts, row.newest_ms, row.epoch),
    })
  }
  return counts
}

/** The newest bad records that a filter means. @returns those, and how many there are in all */
export async function listBadRecords(
  parts: QuarantineParts,
  { dataset, limit, ...filter }: Filter & { dataset?: string; limit: number },
): Promise<{ matching: number; records: ListedRecord[] }> {
  let matching = 0
  const found: ListedRecord[] = []
  for (const { name } of datasetsOf(parts, dataset)) {
    const rows = await withBadRecords(parts, name, filter, ({ session, stored, marked, parameters }) =>
      session.rows(newestSql(stored, marked, limit), parameters),
    )
    matching += Number(rows[0]?.matching ?? 0)
    for (const row of rows) {
      found.push({
        dataset: name,
        topic: String(row.topic),
        partition: Number(row.partition),
        offset: Number(row.offset),
        paths: pathsOf(row),
        reason: String(row.reason),
        detail: row.detail === null ? null : String(row.detail),
        epoch: Number(row.epoch),
        timeMs: row.time_ms === null ? null : Number(row.time_ms),
        reviewed: row.reviewed === true,
        beginning: row.beginning as Buffer | null,
        valueBytes: row.value_bytes === null ? null : Number(row.value_bytes),
      })
    }
  }
  const records = found.sort((a, b) => b.epoch - a.epoch).slice(0, limit)
  for (const record of records) record.timeMs = await timeOf(parts, record.timeMs, record.epoch)
  return { matching, records }
}

/** Values are read of those records alone that are shown. */
function newestSql(stored: string, marked: string, limit: number): string {
  const place = 'topic, "partition", "offset", reason'
  const newestFirst = 'epoch DESC, topic, "partition", "offset" DESC'
  return `WITH marked AS MATERIALIZED (SELECT * FROM ${marked}),
      newest AS MATERIALIZED (SELECT * FROM marked ORDER BY ${newestFirst} LIMIT ${limit}),
      beginnings AS (SELECT ${place}, any_value(value[1:${beginningBytes}]) AS beginning,
        max(octet_length(value)) AS value_bytes FROM ${stored} SEMI JOIN newest USING (${place}) GROUP BY ${place})
    SELECT newest.*, epoch_ms(append_time) AS time_ms, beginning, value_bytes, (SELECT count(*) FROM marked) AS matching
    FROM newest LEFT JOIN beginnings USING (${place}) ORDER BY ${newestFirst}`
}

async function timeOf(
  { epochs }: Pick<QuarantineParts, 'epochs'>,
  timeMs: unknown,
  epoch: unknown,
): Promise<number | null> {
  if (timeMs !== null) return Number(timeMs)
  return (await takenMs(epochs, Number(epoch))) ?? null
}
