/**
 * The front doors: one HTTP server, several protocols, one log behind them.
 *
 * States: *listening* → *stopping* by `close`: requests under way are answered, new ones are refused with 503 →
 * *closed*. A record's 2xx is sent after the log has it on disk; a request that is cut off appends nothing.
 */
import type { AddressInfo } from 'node:net'
import type { FastifyError, FastifyInstance } from 'fastify'
import { isSystemError, PipelineError } from '../core/index.ts'
import type { Log } from '../log/index.ts'
import { urlOf } from './address.ts'
import { addApiGateway, apiGatewayDoor } from './api-gateway/index.ts'
import type { GatewayContext, GatewayLogger, Judge } from './context.ts'
import { answerError, answerNotFound, type Door, openDoor } from './door.ts'
import { addKafkaRest, kafkaRestDoor } from './kafka-rest/index.ts'
import { addKinesis, kinesisDoor } from './kinesis/index.ts'
import { type GatewayOptions, gatewayDefaults } from './options.ts'
import { createServer } from './server.ts'
import { watchTraffic } from './traffic.ts'

export interface GatewayParts {
  log: Log
  /** What is not given is `gatewayDefaults`. */
  options?: Partial<GatewayOptions>
  /** Answers then carry `Pinflow-Quarantine: <n>` when n > 0 of their records would be quarantined. */
  judge?: Judge
  logger?: GatewayLogger
}

export interface Gateway {
  /** @throws PORT_IN_USE */
  listen(): Promise<{ url: string }>
  /** Answer what is under way, refuse what comes, then close. Ends within 10 s, by cutting off who is slower. */
  close(): Promise<void>
}

/** Requests under way have this long once the gateway is to close. */
const closeTimeoutMs = 10_000

export function createGateway({ log, options: given = {}, judge, logger }: GatewayParts): Gateway {
  const options = { ...gatewayDefaults, ...given }
  const app = createServer(options)
  const traffic = watchTraffic(app, options)
  const context: GatewayContext = { log, options, hold: traffic.hold, ...(judge ? { judge } : {}) }

  app.setErrorHandler((error: FastifyError, _request, reply) =>
    answerError(reply, kafkaRestDoor, error, logger),
  )
  app.setNotFoundHandler((_request, reply) => answerNotFound(reply, kafkaRestDoor))
  const addDoor = (door: Door, add: (scope: FastifyInstance, context: GatewayContext) => void) =>
    app.register(async (scope) => {
      openDoor(scope, door, logger)
      add(scope, context)
    })
  addDoor(kafkaRestDoor, addKafkaRest)
  addDoor(apiGatewayDoor, addApiGateway)
  addDoor(kinesisDoor, addKinesis)

  return {
    async listen() {
      const { host, port } = options
      try {
        await app.listen({ host, port })
      } catch (error) {
        if (!isSystemError(error, 'EADDRINUSE')) throw error
        throw new PipelineError('PORT_IN_USE', `port ${port} of ${host} is in use`, { cause: error })
      }
      return { url: urlOf(app.server.address() as AddressInfo) }
    },
    async close() {
      await traffic.stop(closeTimeoutMs)
      app.server.closeAllConnections()
      await app.close()
    },
  }
}
