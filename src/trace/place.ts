import { messageOf, PipelineError, type Place } from '../core/index.ts'
import { textOrBase64 } from '../engine/index.ts'
import { type EpochRecord, type FoundOffset, findOffset, lineAt, topicMatcher } from '../lake/index.ts'
import type { EpochLife, LakeLife, LogLife } from './life.ts'
import { nearTo } from './near.ts'
import type { Tracer } from './parts.ts'

/** What is known of an offset before anybody cleans it. */
export interface FoundPlace {
  log: LogLife
  epoch: EpochLife
  lake: LakeLife
  found: FoundOffset | undefined
  /** The record, from log or lake; absent where neither has it. */
  record?: EpochRecord
}

/**
 * Find an offset in log, epoch log and lake.
 *
 * @throws RECORD_UNKNOWN, TOPIC_UNKNOWN, PARTITION_UNKNOWN for what never was, saying what is there
 */
export async function findPlace(tracer: Tracer, place: Place): Promise<FoundPlace> {
  const { epochs, landing } = tracer.parts
  refuseUnlessThere(tracer, place)
  const found = await findOffset(epochs, landing, place)
  const log = logLife(tracer, place)
  const lake = await lakeLife(tracer, place, found, log)
  const record = await recordAt(tracer, place, found, log)
  return { log, epoch: epochLife(tracer, place, found, log), lake, found, ...(record && { record }) }
}

/** The first offset that was never given, of what log and epoch log know. */
function endOf({ parts: { log, epochs } }: Tracer, { topic, partition }: Place): number {
  return Math.max(log.endOf(topic, partition), epochs.position(topic, partition))
}

function refuseUnlessThere(tracer: Tracer, place: Place): void {
  const { log, epochs } = tracer.parts
  const { topic, partition, offset } = place
  const end = endOf(tracer, place)
  if (offset < end) return
  const taken = epochs.ends()
  const known = [...new Set([...log.topics().map(({ name }) => name), ...taken.map((one) => one.topic)])]
  if (!known.includes(topic)) {
    const near = nearTo(topic, known, 3)
    throw new PipelineError(
      'TOPIC_UNKNOWN',
      `there is no topic ${topic}; near it: ${near.join(', ') || 'none'}`,
    )
  }
  const partitions = log.topics().find(({ name }) => name === topic)?.partitions ?? 0
  if (end === 0 && partition >= partitions)
    throw new PipelineError('PARTITION_UNKNOWN', `${topic} has partitions 0 to ${partitions - 1}`)
  const last = end === 0 ? 'it holds no record yet' : `its newest record is ${topic}/${partition}/${end - 1}`
  throw new PipelineError('RECORD_UNKNOWN', `there is no record ${topic}/${partition}/${offset}: ${last}`)
}

function logLife({ parts: { log } }: Tracer, { topic, partition, offset }: Place): LogLife {
  const there = log.topics().some(({ name, partitions }) => name === topic && partition < partitions)
  if (!there) return { state: 'topicDeleted' }
  const { start } = log.offsets(topic, partition)
  if (offset < start) return { state: 'dropped', startOffset: start }
  const [record] = log.read(topic, partition, offset, { records: 1, bytes: 1 })
  if (record?.offset !== offset) return { state: 'empty' }
  const { appendTimeMs, timestampMs, key, value } = record
  return {
    state: 'held',
    appendTimeMs,
    timestampMs,
    key: textOrBase64(key),
    valueBytes: value?.length ?? null,
  }
}

function epochLife(
  { parts }: Tracer,
  { topic }: Place,
  found: FoundOffset | undefined,
  log: LogLife,
): EpochLife {
  if (found?.kind === 'taken') return { state: 'taken', epoch: found.epoch.epoch, timeMs: found.epoch.timeMs }
  if (found) {
    const { kind, why, count } = found.gap
    return { state: kind, why, records: count, ...(found.timeMs !== undefined && { timeMs: found.timeMs }) }
  }
  if (!topicMatcher(parts.takenTopics)(topic)) return { state: 'leftOut' }
  const ageMs = log.state === 'held' ? Math.max(0, parts.nowMs - log.appendTimeMs) : 0
  return { state: 'waiting', ageMs, withinMs: parts.takeMs }
}

async function lakeLife(
  { parts }: Tracer,
  place: Place,
  found: FoundOffset | undefined,
  log: LogLife,
): Promise<LakeLife> {
  if (found?.kind === 'gap' || log.state === 'empty') return { state: 'none' }
  const ageMs = log.state === 'held' ? { ageMs: Math.max(0, parts.nowMs - log.appendTimeMs) } : {}
  const isTaken = topicMatcher(parts.takenTopics)(place.topic)
  if (!found)
    return isTaken ? { state: 'waiting', ...ageMs, withinMs: parts.takeMs + parts.landMs } : { state: 'none' }
  const { land } = found.epoch
  if (land === undefined) return { state: 'waiting', ...ageMs, withinMs: parts.landMs }
  try {
    const lands = await parts.landing.newest()
    if (land > lands) return { state: 'waiting', ...ageMs, withinMs: parts.landMs }
    const at = lineAt(await parts.landing.marker(land), place)
    return at ? { state: 'landed', land, object: at.key, line: at.line } : { state: 'none' }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { state: 'unreadable', message: messageOf(error) }
  }
}

async function recordAt(
  { parts, reader }: Tracer,
  place: Place,
  found: FoundOffset | undefined,
  log: LogLife,
): Promise<EpochRecord | undefined> {
  const { topic, partition, offset } = place
  if (log.state === 'empty') return undefined
  if (log.state === 'held') {
    const [record] = parts.log.read(topic, partition, offset, { records: 1, bytes: 1 })
    if (record) {
      const { key, headers, timestampMs, appendTimeMs, value } = record
      const epoch = found?.kind === 'taken' ? found.epoch.epoch : 0
      return { ...place, epoch, value, origin: { key, headers, timestampMs, appendTimeMs } }
    }
  }
  if (found?.kind !== 'taken' || found.epoch.land === undefined) return undefined
  const range = { topic, partition, from: offset, to: offset + 1, count: 1, bytes: 0 }
  try {
    for await (const [record] of reader.read({ ...found.epoch, ranges: [range] }, new Set([topic]), 'lake'))
      if (record) return record
  } catch (error) {
    // What the lake cannot give is said where the lake is.
    if (!(error instanceof PipelineError)) throw error
  }
  return undefined
}
