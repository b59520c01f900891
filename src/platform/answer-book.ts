/**
 * Answers as they were given, so that they can be shown when the tables have moved on:
 *
 *     <data>/answers/<20 digits>.json    the answers of one run, put once, with a checksum (`docs/spec/answers.md`)
 *
 * Runs are numbered from 1. The newest 200 are kept, of each answer its first 1,000 rows, or MiB. Nothing depends on them.
 */
import { createHash } from 'node:crypto'
import type { CleaningPath } from '../clean/index.ts'
import { LocalObjectStore, messageOf, openSealedJson, PipelineError, sealJson } from '../core/index.ts'
import { withoutBytes } from '../engine/index.ts'
import type { Question } from '../pipeline/index.ts'
import type { At } from '../query/index.ts'
import type { QuestionAnswer } from './question-answer.ts'

const runsMax = 200
const rowsMax = 1_000
const rowsBytesMax = 2 ** 20
const prefix = 'answers/'

/** One answer, as it was given. */
export interface KeptAnswer extends QuestionAnswer {
  question: string
  /** SHA-256 of the question's SQL, hexadecimal. */
  sqlSha256: string
  /** How many rows the answer had; `rows` may be fewer. */
  rowCount: number
}

export interface KeptRun {
  kind: 'answers'
  format: 1
  run: number
  timeMs: number
  /** Who asked: `ask`, or a run of the batch. */
  by: 'ask' | 'batch'
  from: CleaningPath
  /** The version or time of the tables that was asked for; absent: the newest. */
  at?: At
  answers: KeptAnswer[]
}

export class AnswerBook {
  readonly #store: LocalObjectStore
  #ready: Promise<void> | undefined
  readonly #folder: string

  /** @param root the data folder */
  constructor(root: string) {
    this.#store = new LocalObjectStore(root)
    this.#folder = `${root}/${prefix}`
  }

  /** Keep the answers of one run, and let go of the oldest. @returns its number @throws STORE_FULL, STORE_FAILED */
  async keep(given: Pick<KeptRun, 'timeMs' | 'by' | 'from' | 'at' | 'answers'>): Promise<number> {
    this.#ready ??= new LocalObjectStore(this.#folder).recover()
    await this.#ready
    const runs = await this.#runs()
    for (let run = (runs.at(-1) ?? 0) + 1; ; run++) {
      const content = sealJson({ kind: 'answers', format: 1, run, ...given } satisfies KeptRun)
      if (!(await this.#store.putIfAbsent(keyOf(run), content))) continue
      for (const old of runs.slice(0, Math.max(0, runs.length + 1 - runsMax)))
        await this.#store.delete(keyOf(old))
      return run
    }
  }

  /** Every run that is kept, the newest first; one that cannot be read as its error. */
  async *all(): AsyncGenerator<KeptRun | { run: number; error: PipelineError }> {
    for (const run of (await this.#runs()).reverse()) {
      try {
        yield await this.read(run)
      } catch (error) {
        if (!(error instanceof PipelineError)) throw error
        // Another may have let go of it meanwhile.
        if (error.code !== 'ANSWERS_UNKNOWN') yield { run, error }
      }
    }
  }

  /** @throws ANSWERS_UNKNOWN, ANSWERS_DAMAGED */
  async read(run: number): Promise<KeptRun> {
    const content = await this.#store.get(keyOf(run))
    if (!content) {
      const runs = await this.#runs()
      const kept = runs.length === 0 ? 'none is' : `runs ${runs[0]} to ${runs.at(-1)} are`
      throw new PipelineError('ANSWERS_UNKNOWN', `the answers of run ${run} are not kept, ${kept}`)
    }
    try {
      const kept = openSealedJson(content) as KeptRun
      if (kept.kind === 'answers' && kept.format === 1 && kept.run === run) return kept
      throw new Error(`it is no run ${run} that this version can read`)
    } catch (error) {
      const message = `${this.#folder}${keyOf(run).slice(prefix.length)}: ${messageOf(error)}`
      throw new PipelineError('ANSWERS_DAMAGED', message, { cause: error })
    }
  }

  async #runs(): Promise<number[]> {
    const keys = (await this.#store.list(prefix)).map(({ key }) => key.slice(prefix.length))
    return keys.filter((name) => /^\d{20}\.json$/.test(name)).map((name) => Number.parseInt(name, 10))
  }
}

function keyOf(run: number): string {
  return `${prefix}${String(run).padStart(20, '0')}.json`
}

/** An answer with as many of its rows as are kept, without bytes. */
export function keptAnswer({ name, sql }: Question, answer: QuestionAnswer): KeptAnswer {
  const rows: QuestionAnswer['rows'] = []
  let bytes = 0
  for (const row of answer.rows.slice(0, rowsMax)) {
    const plain = withoutBytes(row) as typeof row
    bytes += Buffer.byteLength(JSON.stringify(plain))
    if (bytes > rowsBytesMax) break
    rows.push(plain)
  }
  return { question: name, sqlSha256: hashOf(sql), ...answer, rows, rowCount: answer.rows.length }
}

export function hashOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}
