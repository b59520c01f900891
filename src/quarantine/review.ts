import { type Clock, systemClock } from '../core/index.ts'
import type { Row } from '../engine/index.ts'
import { datasetsOf, type QuarantineParts, withBadRecords } from './bad-records.ts'
import { type Filter, reasonOf } from './filter.ts'
import { type ReviewedPlace, Reviews } from './reviews.ts'

/** What was marked as reviewed. */
export interface Reviewed {
  number: number
  dataset: string
  records: number
}

/** Stretches in one object. Beyond it a review is several objects. */
const stretchesMax = 50_000

/**
 * Mark the bad records that a filter means now, and that are not reviewed yet, as reviewed; done again it marks nothing.
 * The account stays as it is.
 *
 * @returns one review for each dataset that had such records, several where they lie far apart
 */
export async function reviewBadRecords(
  parts: QuarantineParts,
  asked: Filter & { dataset?: string; note: string; by: string | null },
  clock: Clock = systemClock,
): Promise<Reviewed[]> {
  const { dataset, note, by, ...rest } = asked
  const filter = { ...rest, ...(rest.reason !== undefined && { reason: reasonOf(rest.reason) }) }
  const reviews = new Reviews(parts.lake, parts.pipeline.name)
  const made: Reviewed[] = []
  for (const { name } of datasetsOf(parts, dataset)) {
    const open: Filter = { ...filter, reviewed: false }
    const rows = await withBadRecords(parts, name, open, ({ session, marked, parameters }) =>
      session.rows(stretchesSql(marked), parameters),
    )
    for (let at = 0; at < rows.length; at += stretchesMax) {
      const piece = rows.slice(at, at + stretchesMax)
      const records = piece.reduce((sum, row) => sum + Number(row.records), 0)
      const epoch = Math.max(...piece.map((row) => Number(row.epoch)))
      const places = placesOf(piece)
      const review = {
        format: 1,
        timeMs: clock(),
        dataset: name,
        filter,
        epoch,
        records,
        note,
        by,
        places,
      } as const
      made.push({ number: await reviews.put(review), dataset: name, records })
    }
  }
  return made
}

/** Offsets that follow one another are one stretch. */
function stretchesSql(marked: string): string {
  const place = 'topic, "partition", reason'
  return `SELECT ${place}, min("offset") AS "from", max("offset") + 1 AS "to", count(*) AS records, max(epoch) AS epoch
    FROM (SELECT *, "offset" - row_number() OVER (PARTITION BY ${place} ORDER BY "offset") AS stretch FROM ${marked})
    GROUP BY ${place}, stretch ORDER BY ${place}, "from"`
}

function placesOf(rows: readonly Row[]): ReviewedPlace[] {
  const places = new Map<string, ReviewedPlace>()
  for (const row of rows) {
    const [topic, partition, reason] = [String(row.topic), Number(row.partition), String(row.reason)]
    const key = `${topic}/${partition} ${reason}`
    const place = places.get(key) ?? { topic, partition, reason, offsets: [] }
    place.offsets.push([Number(row.from), Number(row.to)])
    places.set(key, place)
  }
  return [...places.values()]
}
