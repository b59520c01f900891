import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GatewayContext } from '../context.ts'
import { addRoutes, answer } from '../door.ts'
import { actions, perform, type Values } from '../kinesis/index.ts'
import { apiGatewayDoor } from './door.ts'
import { readRecord, readRecords, readShardCount } from './request-body.ts'

export { apiGatewayDoor } from './door.ts'

/** What a stream made by path gets when the body names no number. */
const shardCountDefault = 5

/** An action, and its input but for the stream, which the path names. */
interface Call {
  action: string
  input: Values
}

/** The paths of an API Gateway in front of Kinesis: each becomes one action. */
export function addApiGateway(scope: FastifyInstance, context: GatewayContext): void {
  const serve =
    (callOf: (contentType: string | undefined, body: Buffer | undefined) => Call) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const { action, input } = callOf(request.headers['content-type'], request.body as Buffer | undefined)
      const { stream } = request.params as { stream?: string }
      const values = stream === undefined ? input : { ...input, StreamName: stream }
      const { output, headers = {} } = await perform(actions.get(action)!, values, context)
      return answer(reply.headers(headers), apiGatewayDoor, output)
    }
  addRoutes(scope, {
    '/streams': { GET: serve(() => ({ action: 'ListStreams', input: {} })) },
    '/streams/:stream': {
      GET: serve(() => ({ action: 'DescribeStream', input: {} })),
      POST: serve((type, body) => ({
        action: 'CreateStream',
        input: { ShardCount: readShardCount(type, body) ?? shardCountDefault },
      })),
    },
    '/streams/:stream/record': {
      PUT: serve((type, body) => ({ action: 'PutRecord', input: readRecord(type, body) })),
    },
    '/streams/:stream/records': {
      PUT: serve((type, body) => ({ action: 'PutRecords', input: readRecords(type, body) })),
    },
  })
}
