import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../log/index.ts'
import { appendRecords, type Outcome, type Placed, quarantineHeader } from '../append.ts'
import type { GatewayContext } from '../context.ts'
import { answer } from '../door.ts'
import { hasCode } from '../failure.ts'
import { kafkaRestDoor, partitionNotFound } from './door.ts'
import { embeddedFormat } from './embedded-format.ts'
import { type ProducedRecord, readProduceRequest } from './produce-request.ts'

/** What a record takes of memory besides its bytes, about. */
const recordOverheadBytes = 250

/** `POST /topics/{topic}`: records go where they say, else where their key leads, else spread. */
export async function produceToTopic(context: GatewayContext, request: FastifyRequest, reply: FastifyReply) {
  const { topic } = request.params as { topic: string }
  const records = readRecords(context, request, ['key', 'value', 'partition'])
  if (await ensureTopic(context, topic)) reply.header('Pinflow-Created-Topic', topic)
  const { partitions } = context.log.topic(topic)
  const placed = records.map(({ record, partition = context.log.partitionFor(topic, record.key) }) => {
    if (partition >= partitions) throw partitionNotFound()
    return { record, partition }
  })
  return produce(context, topic, placed, reply)
}

/** `POST /topics/{topic}/partitions/{partition}`. */
export async function produceToPartition(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { topic } = request.params as { topic: string }
  const records = readRecords(context, request, ['key', 'value'])
  if (await ensureTopic(context, topic)) reply.header('Pinflow-Created-Topic', topic)
  const partition = partitionOf(context.log, request)
  const placed = records.map(({ record }) => ({ record, partition }))
  return produce(context, topic, placed, reply)
}

/** The partition a path names. @throws 404 */
export function partitionOf(log: Log, request: FastifyRequest): number {
  const { topic, partition } = request.params as { topic: string; partition: string }
  const { partitions } = log.topic(topic)
  const number = /^\d{1,10}$/.test(partition) ? Number(partition) : Number.NaN
  if (!(number < partitions)) throw partitionNotFound()
  return number
}

function readRecords(
  { options, hold }: GatewayContext,
  request: FastifyRequest,
  recordMembers: readonly string[],
): ProducedRecord[] {
  const format = embeddedFormat(request.headers['content-type'])
  const { recordBytesMax } = options
  const body = request.body as Buffer | undefined
  const records = readProduceRequest(body, { format, recordBytesMax, recordMembers })
  hold(request, records.length * recordOverheadBytes)
  return records
}

/** Make the topic when it is missing and may be made. @returns whether this call made it */
async function ensureTopic({ log, options }: GatewayContext, topic: string): Promise<boolean> {
  try {
    log.topic(topic)
    return false
  } catch (error) {
    if (!options.autoCreateTopics || !hasCode(error, 'TOPIC_UNKNOWN')) throw error
  }
  try {
    await log.createTopic(topic, { partitions: 1, partitioner: 'kafka' })
    return true
  } catch (error) {
    // Another request was first.
    if (hasCode(error, 'TOPIC_EXISTS')) return false
    throw error
  }
}

async function produce(
  context: GatewayContext,
  topic: string,
  placed: readonly Placed[],
  reply: FastifyReply,
) {
  const outcomes = await appendRecords(context, topic, placed)
  reply.headers(quarantineHeader(context, topic, placed, outcomes))
  return answer(reply, kafkaRestDoor, {
    offsets: outcomes.map(offsetOf),
    key_schema_id: null,
    value_schema_id: null,
  })
}

function offsetOf(outcome: Outcome): object {
  if (outcome.kind === 'appended') {
    const { partition, offset } = outcome
    return { partition, offset, error_code: null, error: null }
  }
  const { error } = outcome
  const code = error.retriable ? 50003 : 50002
  return {
    partition: null,
    offset: null,
    error_code: code,
    error: error.retriable ? 'Send again later.' : error.message,
  }
}
