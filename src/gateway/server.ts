import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { showsAws, withoutStage } from './address.ts'
import type { GatewayWatch } from './context.ts'
import { answerError } from './door.ts'
import { kafkaRestDoor } from './kafka-rest/index.ts'
import type { GatewayOptions } from './options.ts'
import { withoutSchemas } from './without-schemas.ts'

/** A client has this long to send a request, and its head. */
const requestTimeoutMs = 30_000
const headTimeoutMs = 15_000
const timeoutsCheckMs = 5_000

/** An HTTP server without routes: paths without stages, `{ door: 'aws' }` as a constraint, errors as Kafka REST has them. */
export function createServer({ stages }: GatewayOptions, watch: GatewayWatch): FastifyInstance {
  return Fastify({
    logger: false,
    schemaController: withoutSchemas,
    requestTimeout: requestTimeoutMs,
    http: { headersTimeout: headTimeoutMs, connectionsCheckingInterval: timeoutsCheckMs },
    // While it closes, a request is refused by its own protocol.
    return503OnClosing: false,
    rewriteUrl: ({ url = '/' }) => withoutStage(url, stages),
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: 1024,
      constraints: { door: awsConstraint },
    },
    frameworkErrors: (error, _request, reply) => {
      answerError(reply, kafkaRestDoor, error, watch)
    },
    clientErrorHandler: (error, socket) => answerMalformed(error, socket, watch),
  })
}

const awsConstraint = {
  name: 'door',
  mustMatchWhenDerived: false,
  storage() {
    const handlers = new Map<string, never>()
    return {
      get: (door: string) => handlers.get(door) ?? null,
      set(door: string, handler: never) {
        handlers.set(door, handler)
      },
    }
  },
  // Requests without the constraint's value find the routes without the constraint.
  deriveConstraint: (message: IncomingMessage) => (showsAws(message) ? 'aws' : ''),
  validate() {},
}

/** What is no HTTP request, or did not arrive in time. */
function answerMalformed(
  error: Error & { code?: string },
  socket: Socket,
  { onRefused }: GatewayWatch,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, reason] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [408, 'Request Timeout']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'Request Header Fields Too Large']
        : [400, 'Bad Request']
  const message = `HTTP ${status} ${reason}`
  onRefused?.({ timeMs: Date.now(), door: 'http', method: '-', path: '-', status: Number(status), message })
  const body = JSON.stringify({ error_code: status, message })
  const head = `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
  socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`)
}
