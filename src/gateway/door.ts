import type { FastifyError, FastifyInstance, FastifyReply, HTTPMethods, RouteHandlerMethod } from 'fastify'
import type { GatewayWatch } from './context.ts'
import { type Failure, failureOf, httpFailure, Refusal } from './failure.ts'
import { refusedRequest } from './refused.ts'

/** How one protocol speaks. */
export interface Door {
  /** Names it where refusals are kept. */
  name: string
  /** Content-Type of its answers. */
  contentType: string
  /** The one place that gives failures the protocol's form. */
  refuse(failure: Failure): Refusal
  /** Headers that every answer carries. */
  headers?(): Record<string, string>
}

/** Handlers by path and method; any other method on such a path is answered with 405. */
export type Routes = Readonly<Record<string, Partial<Record<HTTPMethods, RouteHandlerMethod>>>>

const methods: HTTPMethods[] = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']

/** Answer a protocol's errors and headers for every route of `scope`. */
export function openDoor(scope: FastifyInstance, door: Door, watch: GatewayWatch): void {
  scope.setErrorHandler((error: FastifyError, _request, reply) => answerError(reply, door, error, watch))
  const { headers } = door
  if (headers) {
    scope.addHook('onSend', (_request, reply, payload, done) => {
      reply.headers(headers())
      done(null, payload)
    })
  }
}

export function addRoutes(
  scope: FastifyInstance,
  routes: Routes,
  constraints: Record<string, string> = {},
): void {
  for (const [url, handlers] of Object.entries(routes)) {
    for (const [method, handler] of Object.entries(handlers)) {
      if (!handler) continue
      scope.route({ method: method as HTTPMethods, url, handler, constraints })
    }
    const served = Object.keys(handlers)
    const others = methods.filter((method) => !served.includes(method))
    scope.route({
      method: others,
      url,
      constraints,
      handler: async (_request, reply) => {
        reply.header('allow', served.join(', '))
        throw Object.assign(new Error('method not allowed'), { statusCode: 405 })
      },
    })
  }
}

/** Send an answer of a door; undefined sends an empty body. */
export function answer(reply: FastifyReply, door: Door, body: object | undefined): FastifyReply {
  return reply.type(door.contentType).send(body === undefined ? '' : json(body))
}

/** Refuse a request; the one place where it is told and kept why. */
export function answerError(
  reply: FastifyReply,
  door: Door,
  error: unknown,
  { logger, onRefused }: GatewayWatch,
): FastifyReply {
  const failure = failureOf(error)
  const refusal = error instanceof Refusal ? error : door.refuse(failure)
  if (!(error instanceof Refusal) && failure.status === 500) logger?.error({ err: error }, 'a request failed')
  if (onRefused) {
    const refused = refusedRequest(door.name, reply.request, failure, refusal)
    if (refused) onRefused(refused)
  }
  if (refusal.retryAfterSeconds !== undefined) reply.header('retry-after', String(refusal.retryAfterSeconds))
  const text = typeof refusal.body === 'string'
  reply.code(refusal.status).type(text ? 'application/xml' : door.contentType)
  return reply.send(text ? refusal.body : json(refusal.body))
}

export function answerNotFound(reply: FastifyReply, door: Door, watch: GatewayWatch): FastifyReply {
  return answerError(reply, door, door.refuse(httpFailure(404)), watch)
}

/** As bytes: to a text Fastify adds a charset, which no original has. */
function json(body: object | string): Buffer {
  return Buffer.from(JSON.stringify(body))
}
