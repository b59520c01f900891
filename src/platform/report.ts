import { type Check, type PathAccount, verify } from '../account/index.ts'
import { PipelineError } from '../core/index.ts'
import type { Row } from '../engine/index.ts'
import { newestVersions } from '../query/index.ts'
import { type KeptAnswer, keptAnswer } from './answer-book.ts'
import { askQuestion } from './asking.ts'
import { type Kept, keepAnswers } from './keep-answers.ts'
import type { Platform } from './platform.ts'

/** What `demo --json` and `run batch --json` print; a contract. */
export interface Report {
  account: Record<string, ReportedAccount>
  answers: Record<string, Row[]>
  /** Questions that were not answered, and why; absent where all were. */
  unanswered?: Record<string, string>
  /** The run of `ask --run` under which the answers are kept, or why they are not. */
  kept: Kept
  verify: { ok: boolean; checks: Check[] }
  sourceErrors: number
  tables: Record<string, ListedTable>
  seconds: Record<string, number>
}

export interface ListedTable {
  path: string
  version: number
  rows: number
  /** The epoch that a restore has led to; absent where cleaning is not paused. */
  pausedAt?: number
  /** Why its cleaning stands still; absent where it does not. */
  stopped?: string
}

export interface ReportedAccount {
  /** Records posted, and records acknowledged; null where nothing was posted by the command itself. */
  sent: number | null
  acknowledged: number | null
  appended: number
  landed: number
  stream: PathAccount
  batch: PathAccount
}

/** Counts of one dataset that only the sender knows. */
export interface SentAccount {
  sent: number
  acknowledged: number
}

const nothing: PathAccount = { read: 0, rows: 0, duplicates: 0, quarantined: 0 }

/** Answer every question from the batch tables, recount everything, and put it all together. */
export async function report(
  platform: Platform,
  options: { sent?: Record<string, SentAccount>; sourceErrors?: number; seconds: Stopwatch },
): Promise<Report> {
  const { seconds } = options
  const answers: Record<string, Row[]> = {}
  const unanswered: Record<string, string> = {}
  const keeping: KeptAnswer[] = []
  for (const question of platform.pipeline.questions) {
    const answered = await askQuestion(platform, question.name, 'batch').catch((error: unknown) => {
      // The account and its verification stand, whoever else asks.
      if (!(error instanceof PipelineError)) throw error
      unanswered[question.name] = `${error.code}: ${error.message}`
    })
    if (!answered) continue
    answers[question.name] = answered.rows
    keeping.push(keptAnswer(question, answered))
  }
  const kept = await keepAnswers(platform, { by: 'batch', from: 'batch', answers: keeping })
  seconds.lap('answers')
  const verified = await verifyPlatform(platform)
  seconds.lap('verify')
  const account: Record<string, ReportedAccount> = {}
  for (const [dataset, counted] of Object.entries(verified.accounts)) {
    const { appended, landed, stream = nothing, batch = nothing } = counted
    const { sent = null, acknowledged = null } = options.sent?.[dataset] ?? {}
    account[dataset] = { sent, acknowledged, appended, landed, stream, batch }
  }
  return {
    account,
    answers,
    ...(Object.keys(unanswered).length > 0 && { unanswered }),
    kept,
    verify: { ok: verified.ok, checks: verified.checks },
    sourceErrors: options.sourceErrors ?? 0,
    tables: await listTables(platform),
    seconds: seconds.laps(),
  }
}

export function verifyPlatform(platform: Platform) {
  return verify(platform)
}

/** The tables that are there, with their newest versions. */
export async function listTables(platform: Platform): Promise<Report['tables']> {
  const tables: Report['tables'] = {}
  const states = platform.states()
  for (const { name, table, snapshot, dataset, path } of (await newestVersions(platform.catalog)).seen) {
    const rows = [...snapshot.files.values()].reduce((sum, { stats }) => sum + recordsOf(stats), 0)
    const { state, error, epoch } = states[`${path}.${dataset}`] ?? {}
    tables[name] = {
      path: platform.folder.path(`tables/${table.prefix}`),
      version: snapshot.version,
      rows,
      ...(state === 'paused' && epoch !== undefined && { pausedAt: epoch }),
      ...(state === 'stopped' && error !== undefined && { stopped: error }),
    }
  }
  return tables
}

function recordsOf(stats: string | undefined): number {
  return stats === undefined ? 0 : ((JSON.parse(stats) as { numRecords?: number }).numRecords ?? 0)
}

/** Seconds of each part of a job, and of all of it. */
export class Stopwatch {
  readonly #start = performance.now()
  readonly #laps: Record<string, number> = {}
  #last = this.#start

  lap(name: string): void {
    const now = performance.now()
    this.#laps[name] = rounded(now - this.#last)
    this.#last = now
  }

  laps(): Record<string, number> {
    return { ...this.#laps, total: rounded(performance.now() - this.#start) }
  }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds) / 1000
}
