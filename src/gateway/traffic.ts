import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { PipelineError } from '../core/index.ts'
import { hostAllowed } from './address.ts'
import { BytesInFlight, readBody } from './body.ts'
import { allowedConnections, LateConnections } from './connections.ts'
import type { GatewayOptions } from './options.ts'

export interface Traffic {
  /** Count memory that a request takes beyond its body, until it is answered. @throws OVERLOADED */
  hold(request: FastifyRequest, bytes: number): void
  /** Refuse what comes from now on; resolves when nothing is under way any more, or the time is over. */
  stop(timeoutMs: number): Promise<void>
}

/** A client that has not taken its answer after so long is cut off. */
const answerTimeoutMs = 30_000
const answersCheckMs = 5_000

/** Let requests in, read their bodies within the limits, and know what is under way. */
export function watchTraffic(app: FastifyInstance, options: GatewayOptions): Traffic {
  const { bodyBytesMax, inFlightBytesMax, host } = options
  const inFlight = new BytesInFlight(inFlightBytesMax)
  const late = new LateConnections(app.server, allowedConnections(options.connectionsMax))
  /** When each was sent. */
  const answers = new Map<ServerResponse, number>()
  let requests = 0
  let stopping = false
  let drained: (() => void) | undefined

  app.addHook('onRequest', (request, reply, done) => {
    requests++
    reply.raw.once('close', () => {
      requests--
      inFlight.release(request.raw)
      answers.delete(reply.raw)
      if (requests === 0) drained?.()
    })
    if (stopping) done(new PipelineError('STOPPING', 'the gateway is stopping'))
    else if (hostAllowed(host, request.headers.host)) done()
    else done(Object.assign(new Error('this host is not served'), { statusCode: 421 }))
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    if (stopping || late.has(request.raw.socket)) reply.header('connection', 'close')
    if (!reply.raw.destroyed) {
      inFlight.answer(request.raw, Buffer.isBuffer(payload) ? payload.length : 0)
      answers.set(reply.raw, performance.now())
    }
    done(null, payload)
  })

  const checking = setInterval(() => {
    const latestMs = performance.now() - answerTimeoutMs
    for (const [response, sentMs] of answers) if (sentMs < latestMs) response.destroy()
  }, answersCheckMs)
  checking.unref()
  app.addHook('onClose', async () => clearInterval(checking))

  // Every body is taken as bytes, whatever its type: doors judge the type themselves.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (_request: FastifyRequest, message: IncomingMessage) => {
    const body = await readBody(message, bodyBytesMax, (bytes, drop) => {
      late.refuse(message.socket)
      inFlight.hold(message, bytes, drop)
    })
    inFlight.whole(message)
    return body
  })

  return {
    hold: (request, bytes) => inFlight.hold(request.raw, bytes),
    async stop(timeoutMs) {
      stopping = true
      if (requests === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        drained = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
