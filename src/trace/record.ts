import { cleaningPaths } from '../clean/index.ts'
import { PipelineError, type Place } from '../core/index.ts'
import { decodeSequenceNumber, encodeSequenceNumber } from '../log/index.ts'
import { fateOf } from './fate.ts'
import type { RecordLife } from './life.ts'
import { nearTo } from './near.ts'
import type { Tracer } from './parts.ts'
import { findPlace } from './place.ts'

/** The life of the record at a place. @throws RECORD_UNKNOWN, TOPIC_UNKNOWN, PARTITION_UNKNOWN, saying what is there */
export async function traceRecord(tracer: Tracer, place: Place): Promise<RecordLife> {
  const at = await findPlace(tracer, place)
  const { log, epoch, lake } = at
  const dataset = tracer.datasetOf(place.topic)
  const { topic, partition, offset } = place
  const life = { topic, partition, offset, log, epoch, lake }
  if (!dataset) {
    const topics = tracer.parts.pipeline.datasets.flatMap((one) => one.topics.map(({ name }) => name))
    const [nearestTopic] = nearTo(topic, topics, 1)
    return { ...life, ...(nearestTopic !== undefined && { nearestTopic }) }
  }
  const traced = await tracer.traced(dataset)
  const fates: Pick<RecordLife, 'stream' | 'batch'> = {}
  for (const path of cleaningPaths) {
    const fate = await fateOf(tracer, traced, path, place, at)
    if (fate) fates[path] = fate
  }
  return { ...life, dataset: dataset.name, ...fates }
}

/** `<topic>/<partition>/<offset>` @throws REQUEST_INVALID */
export function parsePlace(text: string): Place {
  const [, topic = '', partition, offset] = /^(.+)\/(\d{1,10})\/(\d{1,15})$/.exec(text) ?? []
  if (topic !== '') return { topic, partition: Number(partition), offset: Number(offset) }
  throw new PipelineError(
    'REQUEST_INVALID',
    `${text} is no place of a record: name <topic>/<partition>/<offset>`,
  )
}

/**
 * The records that have a sequence number: one, or one for each stream made in the same second whose record there was
 * appended in the same second.
 *
 * @param stream the only one to look in
 * @throws REQUEST_INVALID for what is none; RECORD_UNKNOWN, saying what is there
 */
export function placesOf({ parts: { log } }: Tracer, text: string, stream?: string): Place[] {
  const place = decodeSequenceNumber(text)
  if (!place)
    throw new PipelineError(
      'REQUEST_INVALID',
      `${text} is no sequence number: those have 56 digits, as a Kinesis answer gives them`,
    )
  const topics = log.topics().filter(({ name }) => stream === undefined || name === stream)
  if (stream !== undefined && topics.length === 0) {
    const near = nearTo(
      stream,
      log.topics().map(({ name }) => name),
      3,
    )
    throw new PipelineError(
      'TOPIC_UNKNOWN',
      `there is no stream ${stream}; near it: ${near.join(', ') || 'none'}`,
    )
  }
  const { shard, offset } = place
  const found = topics.filter(({ name, partitions, createdMs }) => {
    if (shard >= partitions) return false
    const { start, end } = log.offsets(name, shard)
    if (offset >= end || Math.floor(createdMs / 1000) * 1000 !== place.shardCreatedMs) return false
    if (offset < start) return true
    const [record] = log.read(name, shard, offset, { records: 1, bytes: 1 })
    const made = record && { shardCreatedMs: createdMs, shard, offset, appendTimeMs: record.appendTimeMs }
    return made !== undefined && record?.offset === offset && encodeSequenceNumber(made) === text
  })
  if (found.length > 0) return found.map(({ name }) => ({ topic: name, partition: shard, offset }))
  const times = `stream made ${new Date(place.shardCreatedMs).toISOString()}, record ${new Date(place.appendTimeMs).toISOString()}`
  const where = stream ?? 'any stream of this log'
  throw new PipelineError(
    'RECORD_UNKNOWN',
    `the sequence number says shard ${shard}, offset ${offset} (${times}); there is no such record in ${where}`,
  )
}
