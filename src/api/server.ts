/**
 * The API for people: `POST /api/<operation>` with its parameters as JSON and the token as bearer. The answer is
 * NDJSON: `{"item":…}` for each item of a result that has many, then `{"result":…}` or `{"error":{code,message}}`.
 * `/health/live` and `/health/ready` are open.
 */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { Value } from 'typebox/value'
import { type ErrorCode, isSystemError, messageOf, PipelineError } from '../core/index.ts'
import type { Platform } from '../platform/index.ts'
import { type Context, type OperationName, operations } from './operations.ts'

export interface ApiOptions {
  host: string
  port: number
  token: string
}

export interface Api {
  url: string
  close(): Promise<void>
}

/** @throws PORT_IN_USE */
export async function serveApi(platform: Platform, options: ApiOptions): Promise<Api> {
  const app = Fastify({ forceCloseConnections: true })
  const ending = new AbortController()
  addHealth(app, platform)
  app.post<{ Params: { operation: string } }>('/api/:operation', async (request, reply) => {
    if (!authorized(request.headers.authorization, options.token)) {
      return reply
        .code(401)
        .send({ error: { code: 'REQUEST_INVALID', message: 'the bearer token is missing or wrong' } })
    }
    const { operation } = request.params
    if (!Object.hasOwn(operations, operation)) {
      return reply
        .code(404)
        .send({ error: { code: 'REQUEST_INVALID', message: `there is no operation ${operation}` } })
    }
    return answer(platform, operation as OperationName, request.body ?? {}, reply, ending.signal)
  })
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    if (!isSystemError(error, 'EADDRINUSE', 'EACCES')) throw error
    throw new PipelineError('PORT_IN_USE', `the API cannot listen on ${options.host}:${options.port}`, {
      cause: error,
    })
  }
  return {
    url: `http://${options.host}:${(app.server.address() as AddressInfo).port}`,
    close: async () => {
      ending.abort()
      await app.close()
    },
  }
}

function addHealth(app: FastifyInstance, platform: Platform): void {
  app.get('/health/live', async () => ({ ok: true }))
  app.get('/health/ready', async (_, reply) => {
    const workers = platform.states()
    const ok = Object.values(workers).every(({ state }) => state !== 'stopped')
    return reply.code(ok ? 200 : 503).send({ ok, workers })
  })
}

async function answer(
  platform: Platform,
  name: OperationName,
  parameters: unknown,
  reply: FastifyReply,
  ending: AbortSignal,
): Promise<void> {
  reply.hijack()
  const response = reply.raw
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const write = (line: unknown) => response.write(`${JSON.stringify(line)}\n`)
  const signal = AbortSignal.any([gone.signal, ending])
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  try {
    write({
      result: await runOperation(name, { platform, signal, emit: (item) => write({ item }) }, parameters),
    })
  } catch (error) {
    write({ error: errorOf(error) })
  }
  await ended(response)
}

/** @throws REQUEST_INVALID when the parameters are not the operation's, and what the operation throws */
export async function runOperation(
  name: OperationName,
  context: Context,
  parameters: unknown,
): Promise<unknown> {
  const { parameters: schema, run } = operations[name]
  const [wrong] = Value.Errors(schema, parameters)
  if (wrong) throw new PipelineError('REQUEST_INVALID', `${name}${wrong.instancePath}: ${wrong.message}`)
  return run(context, parameters as never)
}

function errorOf(error: unknown): { code: string; message: string } {
  const code = error instanceof PipelineError ? error.code : ('STORE_FAILED' satisfies ErrorCode)
  return { code, message: messageOf(error) }
}

function authorized(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

async function ended(response: ServerResponse): Promise<void> {
  response.end()
  if (!response.writableFinished && !response.destroyed)
    await Promise.race([once(response, 'finish'), once(response, 'close')])
}
