import { PipelineError } from '../core/index.ts'
import type { EpochLog, Gap, Landing, Range } from '../lake/index.ts'
import type { EmbeddedLog } from '../log/index.ts'

/**
 * A log that ends before what was taken of it, or that is another log, would give out offsets a second time.
 *
 * @param data the folder of both, for the message
 * @throws LOG_BEHIND_LAKE
 */
export function refuseLogBehindLake(log: EmbeddedLog, epochs: EpochLog, data: string): void {
  if (epochs.logId !== undefined && epochs.logId !== log.id) {
    throw new PipelineError(
      'LOG_BEHIND_LAKE',
      `the lake in ${data} was filled from log ${epochs.logId}, and the log there is ${log.id}`,
    )
  }
  for (const { topic, partition, to } of epochs.ends()) {
    const end = log.endOf(topic, partition)
    if (end >= to) continue
    throw new PipelineError(
      'LOG_BEHIND_LAKE',
      `in ${data}, ${topic}/${partition} ends at ${end} in the log, and at ${to} in the lake`,
    )
  }
}

/** Markers beyond the newest entry tell that entries are gone. @throws EPOCHS_DAMAGED */
export function refuseLakeAheadOfEpochs(epochs: EpochLog, landed: number): void {
  if (landed <= epochs.newestLand) return
  const end = epochs.newestLand === 0 ? 'holds no landing' : `has ${epochs.newestLand} as its newest landing`
  const message = `landing ${landed} is in the lake, but the epoch log ${end}: entries of it are missing`
  throw new PipelineError('EPOCHS_DAMAGED', message)
}

/**
 * Continue with such a log: offsets go on after what the lake holds, and what was taken, has not landed and is not in
 * this log either is entered as lost. Streams that have cleaned it are made anew by their next step. Objects of a landing
 * that was cut off are set aside: they may hold records that this log does not, and would stand in the way.
 */
export async function adoptLog(log: EmbeddedLog, epochs: EpochLog, landing: Landing): Promise<void> {
  const landed = await landing.newest()
  const gaps: Gap[] = []
  const firsts = new Map<string, Range>()
  for await (const { ranges, land } of epochs.epochsAfter(0)) {
    if (land !== undefined && land <= landed) continue
    for (const range of ranges) {
      const place = `${range.topic}/${range.partition}`
      if (!firsts.has(place)) firsts.set(place, range)
      const gap = missingOf(range, log, log.id === epochs.logId)
      if (gap) gaps.push(gap)
    }
  }
  for (const first of firsts.values()) await landing.setAside(epochs.newest, first)
  // Before anything else: were offsets continued before, a log that was left between the two would seem to hold the ranges.
  const entered = epochs.logId === undefined || (await epochs.take(log.id, [], gaps)) !== undefined
  if (!entered) return adoptLog(log, epochs, landing)
  await log.continueFrom(epochs.ends())
}

/** What of a range a log does not hold. */
function missingOf(range: Range, log: EmbeddedLog, isSameLog: boolean): Gap | undefined {
  const { topic, partition, to } = range
  const known =
    isSameLog && log.topics().some(({ name, partitions }) => name === topic && partition < partitions)
  const { start, end } = known ? log.offsets(topic, partition) : { start: 0, end: 0 }
  const holdsBegin = start <= range.from && range.from < end
  if (holdsBegin && end >= to) return undefined
  const from = holdsBegin ? end : range.from
  const limit = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
  const held = holdsBegin ? (log.extent(topic, partition, range.from, limit)?.count ?? 0) : 0
  const why = 'adopted a log that ends before its lake'
  return { topic, partition, from, to, count: range.count - held, kind: 'lost', why }
}
