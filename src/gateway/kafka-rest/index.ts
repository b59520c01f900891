import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GatewayContext } from '../context.ts'
import { addRoutes, answer } from '../door.ts'
import { kafkaRestDoor } from './door.ts'
import { getOffsets, getPartition, getTopic, listBrokers, listPartitions, listTopics } from './metadata.ts'
import { produceToPartition, produceToTopic } from './produce.ts'

export { kafkaRestDoor } from './door.ts'

type Endpoint = (context: GatewayContext, request: FastifyRequest, reply: FastifyReply) => unknown

/** Confluent REST v2 over the log: produce JSON and binary, read topics, partitions, offsets. */
export function addKafkaRest(scope: FastifyInstance, context: GatewayContext): void {
  const serve = (endpoint: Endpoint) => async (request: FastifyRequest, reply: FastifyReply) =>
    endpoint(context, request, reply)
  const alive = serve((_context, _request, reply) => answer(reply, kafkaRestDoor, {}))
  addRoutes(scope, {
    '/': { GET: alive, POST: alive },
    '/brokers': { GET: serve(listBrokers) },
    '/topics': { GET: serve(listTopics) },
    '/topics/:topic': { GET: serve(getTopic), POST: serve(produceToTopic) },
    '/topics/:topic/partitions': { GET: serve(listPartitions) },
    '/topics/:topic/partitions/:partition': { GET: serve(getPartition), POST: serve(produceToPartition) },
    '/topics/:topic/partitions/:partition/offsets': { GET: serve(getOffsets) },
  })
}
