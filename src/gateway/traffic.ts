import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { PipelineError } from '../core/index.ts'
import { hostAllowed } from './address.ts'
import { BytesInFlight, readBody } from './body.ts'
import type { GatewayOptions } from './options.ts'

export interface Traffic {
  /** Count memory that a request takes beyond its body, until it is answered. @throws OVERLOADED */
  hold(request: FastifyRequest, bytes: number): void
  /** Refuse what comes from now on; resolves when nothing is under way any more, or the time is over. */
  stop(timeoutMs: number): Promise<void>
}

/** Let requests in, read their bodies within the limits, and know what is under way. */
export function watchTraffic(app: FastifyInstance, options: GatewayOptions): Traffic {
  const { bodyBytesMax, inFlightBytesMax, host } = options
  const inFlight = new BytesInFlight(inFlightBytesMax)
  let requests = 0
  let stopping = false
  let drained: (() => void) | undefined

  app.addHook('onRequest', (request, reply, done) => {
    requests++
    reply.raw.once('close', () => {
      requests--
      inFlight.release(request.raw)
      if (requests === 0) drained?.()
    })
    if (stopping) done(new PipelineError('STOPPING', 'the gateway is stopping'))
    else if (hostAllowed(host, request.headers.host)) done()
    else done(Object.assign(new Error('this host is not served'), { statusCode: 421 }))
  })

  app.addHook('onSend', (_request, reply, payload, done) => {
    if (stopping) reply.header('connection', 'close')
    done(null, payload)
  })

  // Every body is taken as bytes, whatever its type: doors judge the type themselves.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request: FastifyRequest, message: IncomingMessage) =>
    readBody(message, bodyBytesMax, (bytes) => inFlight.hold(message, bytes)),
  )

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
