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
import type { GatewayContext, GatewayLogger, GatewayWatch, Judge } from './context.ts'
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
  onRefused?: GatewayWatch['onRefused']
}

export interface Gateway {
  /** @throws PORT_IN_USE */
  listen(): Promise<{ url: string }>
  /** Answer what is under way, refuse what comes, then close. Ends within 10 s, by cutting off who is slower. */
  close(): Promise<void>
}

/** Requests under way have this long once the gateway is to close. */
const closeTimeoutMs = 10_000

export function createGateway({ log, options: given = {}, judge, logger, onRefused }: GatewayParts): Gateway {
  const options = { ...gatewayDefaults, ...given }
  const watch: GatewayWatch = { ...(logger && { logger }), ...(onRefused && { onRefused }) }
  const app = createServer(options, watch)
  const traffic = watchTraffic(app, options)
  const context: GatewayContext = { log, options, hold: traffic.hold, ...(judge ? { judge } : {}) }

  app.setErrorHandler((error: FastifyError, _request, reply) =>
    answerError(reply, kafkaRestDoor, error, watch),
  )
  app.setNotFoundHandler((_request, reply) => answerNotFound(reply, kafkaRestDoor, watch))
  const addDoor = (door: Door, add: (scope: FastifyInstance, context: GatewayContext) => void) =>
    app.register(async (scope) => {
      openDoor(scope, door, watch)
      add(scope, onRefused ? { ...context, onRecordRefused: recordRefused(door.name, onRefused) } : context)
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

/** A record by itself has no request: its place is the path that leads to its topic. */
function recordRefused(
  door: string,
  onRefused: NonNullable<GatewayWatch['onRefused']>,
): NonNullable<GatewayContext['onRecordRefused']> {
  return ({ body, ...refused }) =>
    onRefused({
      timeMs: Date.now(),
      door,
      method: 'POST',
      path: door === kafkaRestDoor.name ? `/topics/${refused.topic}` : `/streams/${refused.topic}/records`,
      records: 1,
      ...refused,
      ...(body && { body, bytes: body.length }),
    })
}
