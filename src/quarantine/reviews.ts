/**
 * Reviews: bad records that somebody has looked at, with a note. Objects of the lake's store,
 * `_pinflow/<pipeline>/reviews/<20 digits>.json`, numbered from 1, each put if absent and never changed
 * (`docs/spec/reviews.md`). A review names its records by topic, partition, offset and reason; a record that is bad for
 * another reason, after a change of definition, is not reviewed by it. The account of bad records stays as it is.
 */
import { messageOf, type ObjectStore, openSealedJson, PipelineError, sealJson } from '../core/index.ts'
import { literal, type Session } from '../engine/index.ts'
import type { Filter } from './filter.ts'

/** Records of one place and reason: stretches of offsets, `from` ≤ offset < `to`, in order. */
export interface ReviewedPlace {
  topic: string
  partition: number
  reason: string
  offsets: [from: number, to: number][]
}

export interface Review {
  format: 1
  timeMs: number
  dataset: string
  /** What was asked for. */
  filter: Filter
  /** The newest epoch of its records. */
  epoch: number
  records: number
  note: string
  by: string | null
  places: ReviewedPlace[]
}

export interface NumberedReview extends Review {
  number: number
}

/** The relation that `loadReviewed` makes. */
export const reviewedTable = 'reviewed_stretches'

export class Reviews {
  readonly #store: ObjectStore
  readonly #prefix: string

  constructor(store: ObjectStore, pipeline: string) {
    this.#store = store
    this.#prefix = `_pinflow/${pipeline}/reviews/`
  }

  /** Every review, in order. @throws REVIEWS_DAMAGED */
  async *all(): AsyncGenerator<NumberedReview> {
    for (const { key } of await this.#store.list(this.#prefix)) {
      const content = await this.#store.get(key)
      if (content) yield { number: this.#numberOf(key), ...parseReview(key, content) }
    }
  }

  /** Put a review after all others. @returns its number */
  async put(review: Review): Promise<number> {
    const content = sealJson(review)
    const last = (await this.#store.list(this.#prefix)).at(-1)
    for (let number = last ? this.#numberOf(last.key) + 1 : 1; ; number++) {
      // Of several platforms each takes the next number that is free.
      const key = `${this.#prefix}${String(number).padStart(20, '0')}.json`
      if (await this.#store.putIfAbsent(key, content)) return number
    }
  }

  /** Make the stretches that were reviewed of a dataset a table of the session. */
  async load(session: Session, dataset: string): Promise<void> {
    await session.run(`CREATE TEMP TABLE ${reviewedTable}
      (topic VARCHAR, "partition" INTEGER, reason VARCHAR, "from" BIGINT, "to" BIGINT)`)
    for await (const review of this.all()) {
      if (review.dataset !== dataset) continue
      for (const { topic, partition, reason, offsets } of review.places) {
        const stretches = `unnest(from_json(CAST($3 AS VARCHAR), ${literal('[["BIGINT"]]')}))`
        await session.run(
          `INSERT INTO ${reviewedTable} SELECT CAST($1 AS VARCHAR), ${Number(partition)}, CAST($2 AS VARCHAR), stretch[1], stretch[2]
             FROM (SELECT ${stretches} AS stretch)`,
          [topic, reason, JSON.stringify(offsets)],
        )
      }
    }
  }

  #numberOf(key: string): number {
    const number = Number(/^(\d{20})\.json$/.exec(key.slice(this.#prefix.length))?.[1])
    if (Number.isSafeInteger(number)) return number
    throw damaged(`${key} is no review`)
  }
}

function parseReview(key: string, content: Buffer): Review {
  try {
    const review = openSealedJson(content) as Review
    if (review.format === 1 && typeof review.dataset === 'string' && Array.isArray(review.places))
      return review
  } catch (error) {
    throw damaged(`${key}: ${messageOf(error)}`, error)
  }
  throw damaged(`${key} is no review that this version can read`)
}

function damaged(message: string, cause?: unknown): PipelineError {
  return new PipelineError('REVIEWS_DAMAGED', message, { cause })
}
