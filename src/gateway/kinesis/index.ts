import type { FastifyInstance } from 'fastify'
import type { GatewayContext } from '../context.ts'
import { addRoutes } from '../door.ts'
import { dispatch } from './dispatch.ts'

export { perform } from './action.ts'
export { actions } from './actions/index.ts'
export { kinesisDoor, refuseAction, requestIds } from './door.ts'
export type { Values } from './shape.ts'

/** Amazon Kinesis in AWS JSON 1.1 over the log, at `/` for requests that show AWS. */
export function addKinesis(scope: FastifyInstance, context: GatewayContext): void {
  addRoutes(
    scope,
    { '/': { POST: async (request, reply) => dispatch(context, request, reply) } },
    { door: 'aws' },
  )
}
