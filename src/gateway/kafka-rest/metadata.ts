import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Topic } from '../../log/index.ts'
import type { GatewayContext } from '../context.ts'
import { answer } from '../door.ts'
import { hasCode } from '../failure.ts'
import { kafkaRefusal, kafkaRestDoor } from './door.ts'
import { partitionOf } from './produce.ts'

export function listTopics({ log }: GatewayContext, _request: FastifyRequest, reply: FastifyReply) {
  return answer(
    reply,
    kafkaRestDoor,
    log.topics().map(({ name }) => name),
  )
}

export function getTopic(context: GatewayContext, request: FastifyRequest, reply: FastifyReply) {
  const topic = topicOf(context, request)
  return answer(reply, kafkaRestDoor, { name: topic.name, configs: {}, partitions: partitionsOf(topic) })
}

export function listPartitions(context: GatewayContext, request: FastifyRequest, reply: FastifyReply) {
  return answer(reply, kafkaRestDoor, partitionsOf(topicOf(context, request)))
}

export function getPartition(context: GatewayContext, request: FastifyRequest, reply: FastifyReply) {
  const topic = topicOf(context, request)
  return answer(reply, kafkaRestDoor, partitionsOf(topic)[partitionOf(context.log, request)]!)
}

export function getOffsets(context: GatewayContext, request: FastifyRequest, reply: FastifyReply) {
  const { name } = topicOf(context, request)
  const { start, end } = context.log.offsets(name, partitionOf(context.log, request))
  return answer(reply, kafkaRestDoor, { beginning_offset: start, end_offset: end })
}

export function listBrokers(_context: GatewayContext, _request: FastifyRequest, reply: FastifyReply) {
  return answer(reply, kafkaRestDoor, { brokers: [0] })
}

/** A topic to read of: where there is none, the code is another than when writing to it. */
function topicOf({ log }: GatewayContext, request: FastifyRequest): Topic {
  const { topic } = request.params as { topic: string }
  try {
    return log.topic(topic)
  } catch (error) {
    if (!hasCode(error, 'TOPIC_UNKNOWN')) throw error
    throw kafkaRefusal(404, 40403, 'This server does not host this topic-partition.')
  }
}

/** One broker leads and holds every partition. */
function partitionsOf({ partitions }: Topic): object[] {
  const replicas = [{ broker: 0, leader: true, in_sync: true }]
  return Array.from({ length: partitions }, (_, partition) => ({ partition, leader: 0, replicas }))
}
