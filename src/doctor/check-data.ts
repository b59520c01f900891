import { bytesText, countText, durationText, freeBytes } from '../core/index.ts'
import { topicMatcher } from '../lake/index.ts'
import { fail, ok, type Verdict, warn } from './finding.ts'
import { type Inside, takenRecords } from './inside.ts'

const clockToleranceMs = 60_000
const clockAheadMs = 366 * 86_400_000
/** What waits longer than this while a platform runs is behind. */
const waitMaxMs = 60_000
const growthMs = 3_600_000
/** Takes that are read to see how much comes in. */
const growthTakesMax = 20_000
/** A record's bytes come to lie in the log, in the lake, and in the tables of both ways of cleaning. */
const copiesOnDisk = 3

/** Now, against the newest entry of the epoch log and the newest record of each partition. */
export async function clock({ platform: { epochs, log }, nowMs }: Inside): Promise<Verdict> {
  const times: number[] = epochs.openTakes.map(({ timeMs }) => timeMs)
  if (epochs.newestLand > 0) times.push((await epochs.landEntry(epochs.newestLand)).timeMs)
  for (const { name, partitions } of log.topics()) {
    for (let partition = 0; partition < partitions; partition++) {
      const { start, end } = log.offsets(name, partition)
      if (end === start) continue
      const [record] = log.read(name, partition, end - 1, { records: 1, bytes: 1 })
      if (record) times.push(record.appendTimeMs)
    }
  }
  if (times.length === 0) return ok(`${timeText(nowMs)}; nothing is there yet to compare it with`)
  const newestMs = Math.max(...times)
  const seen = `${timeText(nowMs)}; the newest entry is of ${timeText(newestMs)}`
  if (newestMs > nowMs + clockToleranceMs) {
    const next = `Set the clock. If it is right now, it was ahead: times of records stay at ${timeText(newestMs)} until then, and retention waits.`
    return warn(`${seen}: the clock was set back by ${durationText(newestMs - nowMs)}`, next)
  }
  if (nowMs > newestMs + clockAheadMs) {
    const next = 'Set the clock, unless nothing came for so long: retention drops what seems old.'
    return warn(`${seen}: ${durationText(nowMs - newestMs)} ago`, next)
  }
  return ok(seen)
}

/** What LOG_BEHIND_LAKE says at a start, and whether both are of one log. */
export function logAndLake({ platform: { epochs, log } }: Inside): Verdict {
  const next =
    'Stop, and put the right log back; or start once with --adopt: offsets go on after what the lake holds, and the gap is entered as lost.'
  if (epochs.logId !== undefined && epochs.logId !== log.id)
    return fail(`the lake was filled from log ${epochs.logId}, and the log is ${log.id}`, next)
  const ends = epochs.ends()
  const behind = ends.find(({ topic, partition, to }) => log.endOf(topic, partition) < to)
  if (behind) {
    const { topic, partition, to } = behind
    const end = log.endOf(topic, partition)
    return fail(`${topic}/${partition} ends at ${end} in the log, and at ${to} in the lake`, next)
  }
  const taken = ends.reduce((sum, { records }) => sum + records, 0)
  return ok(
    `${countText(taken, 'record')} taken of ${countText(ends.length, 'partition')}, all in the log before`,
  )
}

/** The oldest record that is in the log and not in the lake. */
export async function landing({ platform, isRunning, nowMs }: Inside): Promise<Verdict> {
  const { epochs, log, landing: lake } = platform
  const waiting: number[] = epochs.openTakes.map(({ timeMs }) => timeMs)
  for (const land of await epochs.landsAfter(await lake.newest()))
    waiting.push(...(await epochs.landEntry(land)).takes.map(({ timeMs }) => timeMs))
  let untaken = 0
  for (const { topic, partition, from } of takenPartitions(platform)) {
    const all = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
    const extent = log.extent(topic, partition, from, all)
    if (!extent) continue
    untaken += extent.count
    waiting.push(extent.oldestMs)
  }
  if (waiting.length === 0) return ok('everything in the log is in the lake')
  const age = nowMs - Math.min(...waiting)
  const seen = `the oldest record that is not in the lake is ${durationText(age)} old${untaken > 0 ? `; ${countText(untaken, 'record')} in no take yet` : ''}`
  if (!isRunning) return warn(`${seen}; no platform runs`, 'Run `pinflow start`, or `pinflow run batch`.')
  if (age <= Math.max(waitMaxMs, 3 * platform.config.land.ageMs)) return ok(seen)
  return warn(seen, 'Its standard error says what fails; see `workers` below.')
}

function takenPartitions({ epochs, log, config }: Inside['platform']) {
  const takes = topicMatcher(config.lake.topics)
  return log
    .topics()
    .filter(({ name }) => takes(name))
    .flatMap(({ name: topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => {
        const { start } = log.offsets(topic, partition)
        return { topic, partition, from: Math.max(start, epochs.position(topic, partition)) }
      }),
    )
}

/** Records that were taken, and are in no table yet. */
export async function cleaning(inside: Inside): Promise<Verdict> {
  const { platform, isRunning, nowMs, accounts } = inside
  const behind: string[] = []
  const batch: string[] = []
  for (const dataset of platform.pipeline.datasets) {
    const taken = takenRecords(inside, dataset)
    const left = (path: string) => taken - (accounts.get(`${path}.${dataset.name}`)?.read ?? 0)
    if (left('batch') > 0) batch.push(`${dataset.name} ${left('batch')}`)
    if (left('stream') <= 0) continue
    const epoch = platform.states()[`stream.${dataset.name}`]?.epoch ?? 0
    const oldestMs = await oldestAfter(inside, epoch, new Set(dataset.topics.map(({ name }) => name)))
    const age = nowMs - (oldestMs ?? nowMs)
    if (isRunning && age <= waitMaxMs) continue
    behind.push(
      `${countText(left('stream'), 'record')} of ${dataset.name}, the oldest ${durationText(age)} old`,
    )
  }
  const forBatch = batch.length === 0 ? '' : `; for \`pinflow run batch\` wait ${batch.join(', ')}`
  if (behind.length === 0) return ok(`the stream tables hold everything that was taken${forBatch}`)
  const seen = `not in the stream tables: ${behind.join('; ')}${forBatch}`
  return warn(seen, isRunning ? 'See `workers` below.' : 'Run `pinflow start`, or `pinflow run batch`.')
}

/** When the first records of these topics above an epoch were taken; undefined beyond what is worth reading. */
async function oldestAfter({ platform }: Inside, epoch: number, topics: Set<string>) {
  let read = 0
  for await (const { timeMs, ranges } of platform.epochs.epochsAfter(epoch)) {
    if (ranges.some(({ topic }) => topics.has(topic))) return timeMs
    if (++read > growthTakesMax) return undefined
  }
  return undefined
}

/** How long the volume lasts, if as much comes in as in the last hour. */
export async function growth({ platform, nowMs }: Inside): Promise<Verdict> {
  let bytes = 0
  let sinceMs = nowMs
  const newest = platform.epochs.newest
  const first = Math.max(0, newest - growthTakesMax)
  for await (const { timeMs, ranges } of platform.epochs.epochsAfter(first)) {
    if (timeMs < nowMs - growthMs || timeMs > nowMs) continue
    sinceMs = Math.min(sinceMs, timeMs)
    bytes += ranges.reduce((sum, range) => sum + range.bytes, 0)
  }
  if (bytes === 0) return ok('nothing came in within the last hour')
  // A burst of seconds tells nothing of hours.
  const overMs = Math.max(nowMs - sinceMs, growthMs / 12)
  const bytesAnHour = (bytes * copiesOnDisk * growthMs) / overMs
  const free = freeBytes(platform.folder.root) - platform.config.log.freeBytesMin
  const hours = Math.max(0, free) / bytesAnHour
  const seen = `${bytesText(bytes)} came in within the last hour; at that rate the volume lasts about ${durationText(hours * growthMs)}`
  const next = 'Make room, or let the log keep less: `log.retentionMs`, `log.retentionBytes`.'
  return hours < 24 ? warn(seen, next) : ok(seen)
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
