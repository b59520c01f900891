import { userInfo } from 'node:os'
import type { ResultOf } from '../api/index.ts'
import type { CleaningPath } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { call } from './call.ts'
import { answerTable } from './render/answer-table.ts'
import { beginningText, pathsText, timeText } from './render/bad-record.ts'
import { showProgress } from './render/progress.ts'
import { replayText } from './render/replay.ts'
import { show } from './render/show.ts'
import { recordText } from './render/shown-record.ts'
import { type GlobalOptions, namedDefinition } from './settings.ts'

interface FilterOptions extends GlobalOptions {
  reason?: string
  path?: CleaningPath
  topic?: string
}

export interface ListOptions extends FilterOptions {
  open?: boolean
  reviewed?: boolean
  limit?: number
}

export interface ReviewOptions extends FilterOptions {
  note: string
  by?: string
  all?: boolean
}

const listedByDefault = 20

function filterOf({ reason, path, topic }: FilterOptions) {
  return {
    ...(reason !== undefined && { reason }),
    ...(path !== undefined && { path }),
    ...(topic !== undefined && { topic }),
  }
}

export async function list(dataset: string | undefined, options: ListOptions): Promise<void> {
  const { open, reviewed, limit } = options
  const filter = filterOf(options)
  const isNarrowed = [dataset, open, reviewed, limit, ...Object.values(filter)].some(
    (each) => each !== undefined,
  )
  if (!isNarrowed) return summary(options)
  const found = await call(options, 'quarantineList', {
    ...filter,
    ...(dataset !== undefined && { dataset }),
    ...((open || reviewed) && { reviewed: reviewed === true }),
    limit: limit ?? listedByDefault,
  })
  const hasDetail = found.records.some(({ detail }) => detail !== null)
  const hasReviewed = found.records.some((record) => record.reviewed)
  show(options, found, () =>
    found.records.map((record) => ({
      place: `${record.topic}/${record.partition}/${record.offset}`,
      reason: record.reason,
      ...(hasDetail && { detail: record.detail }),
      'bad in': pathsText(record.paths),
      time: timeText(record.timeMs),
      ...(hasReviewed && { reviewed: record.reviewed ? 'yes' : '' }),
      value: beginningText(record.beginning, record.valueBytes),
    })),
  )
  if (options.json || found.matching === 0) return
  const { length } = found.records
  const rest = length < found.matching ? `; --limit ${Math.min(1_000, found.matching)} shows more` : ''
  console.error(`\nThe newest ${length} of ${found.matching}${rest}.`)
  console.error('`pinflow quarantine show <place>` tells all about one, and what would mend it.')
}

async function summary(options: GlobalOptions): Promise<void> {
  const found = await call(options, 'quarantine', {})
  if (options.json) return console.log(JSON.stringify(found, null, 2))
  for (const [stream, alert] of Object.entries(found.alerts)) console.log(`! ${stream}: ${alert}`)
  for (const { dataset, message } of found.unreadable) console.log(`! ${dataset} cannot be read: ${message}`)
  if (found.counts.length === 0)
    return console.log(found.unreadable.length === 0 ? 'No record is bad.' : 'No other record is bad.')
  if (Object.keys(found.alerts).length + found.unreadable.length > 0) console.log()
  const lines = found.counts.map(({ dataset, paths, reason, records, reviewed, newestMs }) => ({
    dataset,
    'bad in': pathsText(paths),
    reason,
    records,
    reviewed,
    newest: timeText(newestMs),
  }))
  console.log(answerTable(lines))
  console.log()
  const width = Math.max(...Object.keys(found.help).map(({ length }) => length))
  for (const [reason, help] of Object.entries(found.help)) console.log(`  ${reason.padEnd(width)}  ${help}`)
  console.error(
    '\n`pinflow quarantine list <dataset>` shows the records; `quarantine show <place>` explains one.',
  )
}

export async function showOne(text: string, options: GlobalOptions): Promise<void> {
  const place = placeOf(text)
  if (!place)
    throw new PipelineError(
      'USAGE',
      `${text} is no place: it is <topic>/<partition>/<offset>, such as demo.pin/0/17`,
    )
  const record = await call(options, 'quarantineShow', place)
  console.log(options.json ? JSON.stringify(record, null, 2) : recordText(record))
}

export async function replay(dataset: string, options: GlobalOptions & { yes?: boolean }): Promise<void> {
  const apply = options.yes ?? false
  const progress = showProgress(process.stderr)
  let isBegun = false
  const onItem = (item: unknown) => {
    const { epoch, last } = item as { epoch: number; last: number }
    if (!isBegun) progress.step(`cleaning ${dataset} again, on the side: epoch`, last)
    isBegun = true
    progress.at(epoch)
  }
  const told = { running: true, cancellable: true, onItem }
  const done: ResultOf<'quarantineReplay'> = await call(
    options,
    'quarantineReplay',
    { dataset, apply, ...(await namedDefinition(options, dataset)) },
    told,
  ).finally(() => progress.end())
  console.log(options.json ? JSON.stringify(done, null, 2) : replayText(done))
  if (done.asPreviewed === false) process.exitCode = 2
}

export async function ack(what: string | undefined, options: ReviewOptions): Promise<void> {
  const { note, by = userName() } = options
  const filter = filterOf(options)
  if (what === undefined && Object.keys(filter).length === 0 && !options.all)
    throw new PipelineError('USAGE', 'name a dataset, a place or a filter, or say --all')
  const place = what === undefined ? undefined : placeOf(what)
  const meant = place ?? (what === undefined ? {} : { dataset: what })
  const done = await call(options, 'quarantineAck', { ...filter, ...meant, note, by })
  show(options, done, () => done.reviews.map((review) => ({ ...review, note })))
  if (options.json) return
  const records = done.reviews.reduce((sum, review) => sum + review.records, 0)
  console.error(
    records === 0
      ? 'No bad record matches that is not reviewed yet.'
      : `${records} ${records === 1 ? 'record is' : 'records are'} reviewed; they stay in quarantine, and count as before.`,
  )
}

export async function acks(options: GlobalOptions): Promise<void> {
  const reviews = await call(options, 'quarantineAcks', {})
  show(options, reviews, () =>
    reviews.map(({ number, timeMs, dataset, filter, records, by, note }) => ({
      number,
      time: timeText(timeMs),
      dataset,
      filter,
      records,
      by,
      note,
    })),
  )
}

/** Undefined where it is none: a dataset's name has no slash. */
function placeOf(text: string): { topic: string; partition: number; offset: number } | undefined {
  const [, topic, partition, offset] = /^([^/]+)\/(\d{1,9})\/(\d{1,15})$/.exec(text) ?? []
  if (topic === undefined) return undefined
  return { topic, partition: Number(partition), offset: Number(offset) }
}

function userName(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
