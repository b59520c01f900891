import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GatewayContext } from '../context.ts'
import { answer } from '../door.ts'
import { Refusal } from '../failure.ts'
import { mediaType } from '../media-type.ts'
import { requestJson } from '../request-json.ts'
import { perform } from './action.ts'
import { actions } from './actions/index.ts'
import { authorizationProblem } from './authorization.ts'
import { accessDenied, kinesisDoor, serializationRefusal } from './door.ts'
import { inputLevels, readStructure } from './read-input.ts'

/**
 * `POST /` in AWS JSON 1.1. What is wrong is reported in the order of AWS: content type, JSON, action, signature,
 * types, constraints, state.
 */
export async function dispatch(context: GatewayContext, request: FastifyRequest, reply: FastifyReply) {
  const { headers } = request
  const [service, name] = String(headers['x-amz-target'] ?? '').split('.')
  if (mediaType(headers['content-type'] ?? '') !== kinesisDoor.contentType) {
    throw service && name ? new Refusal(404, '<UnknownOperationException/>\n') : accessDenied()
  }
  const action = service === 'Kinesis_20131202' && name !== undefined ? actions.get(name) : undefined
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  if (body.length === 0) throw action ? serializationRefusal() : unknownOperation()
  const json = requestJson(body, inputLevels)
  if ('problem' in json || json.root.kind !== 'object') throw serializationRefusal()
  if (!action) throw unknownOperation()
  const problem = authorizationProblem(headers, new URL(request.url, 'http://gateway').searchParams)
  if (problem) throw problem
  const result = await perform(action, readStructure(body, json.root, action.input), context)
  reply.headers(result.headers ?? {})
  return answer(reply, kinesisDoor, result.output)
}

function unknownOperation(): Refusal {
  return new Refusal(400, { __type: 'UnknownOperationException' })
}
