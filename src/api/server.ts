/**
 * The API for people: `POST /api/<operation>` with its parameters as JSON and the token as bearer. The answer is
 * NDJSON: `{"item":…}` for each item of a result that has many, then `{"result":…}` or `{"error":{code,message}}`.
 * `/health/live` and `/health/ready` are open: the process answers; it takes records (else 503, and why). Both are
 * true while a dataset stands still, which the body of `/health/ready` tells.
 * What is no such request is answered by its status and `{"error":{code,message}}`; on loopback also a request under
 * another name than the machine's own, which may be a web page's.
 */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import * as v from 'valibot'
import { type ErrorCode, isSystemError, messageOf, PipelineError } from '../core/index.ts'
import { hostAllowed, urlOf, withoutSchemas } from '../gateway/index.ts'
import type { Platform } from '../platform/index.ts'
import { type Context, type OperationName, operations } from './operations/index.ts'

export interface ApiOptions {
  host: string
  port: number
  token: string
  logger: Logger
}

export interface Api {
  url: string
  /** Refuse new operations, end those without end, and finish the others. */
  close(): Promise<void>
}

/** Beyond it operations are put off with 503: each holds a piece of what it gives out. */
const operationsMax = 32
/** Bytes written at a time. */
const pieceBytes = 64 * 1024
/** A client that takes nothing of an answer for so long is cut off: what it is given waits in memory. */
const stallMs = 15_000

/** @throws PORT_IN_USE */
export async function serveApi(platform: Platform, options: ApiOptions): Promise<Api> {
  const app = Fastify({ forceCloseConnections: true, schemaController: withoutSchemas })
  const ending = new AbortController()
  const running = new Set<Promise<void>>()
  app.addHook('onRequest', async (request, reply) => {
    if (hostAllowed(options.host, request.headers.host)) return
    return refuse(reply, 421, 'this host is not served')
  })
  app.setErrorHandler<FastifyError>((error, _, reply) =>
    refuse(reply, error.statusCode ?? 500, error.message),
  )
  addHealth(app, platform)
  app.post<{ Params: { operation: string } }>('/api/:operation', async (request, reply) => {
    if (!authorized(request.headers.authorization, options.token)) {
      return refuse(reply, 401, 'the bearer token is missing or wrong')
    }
    const { operation } = request.params
    if (!Object.hasOwn(operations, operation)) {
      return refuse(reply, 404, `there is no operation ${operation}`)
    }
    if (ending.signal.aborted) return refuse(reply, 503, 'the platform is stopping', 'STOPPING')
    if (running.size >= operationsMax) {
      reply.header('retry-after', '1')
      return refuse(reply, 503, `${running.size} operations are under way`, 'OVERLOADED')
    }
    const name = operation as OperationName
    const answered = answer(platform, name, request.body ?? {}, reply, ending.signal, options.logger)
    running.add(answered)
    await answered.finally(() => running.delete(answered))
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
    url: urlOf(app.server.address() as AddressInfo),
    close: async () => {
      ending.abort(new PipelineError('STOPPING', 'the platform is stopping'))
      // Their tables and their log are closed next.
      await Promise.allSettled(running)
      await app.close()
    },
  }
}

function refuse(
  reply: FastifyReply,
  status: number,
  message: string,
  code: ErrorCode = 'REQUEST_INVALID',
): FastifyReply {
  return reply.code(status).send({ error: { code, message } })
}

function addHealth(app: FastifyInstance, platform: Platform): void {
  app.get('/health/live', async () => ({ ok: true }))
  app.get('/health/ready', async (_, reply) => {
    // Ready is who can take a record. A dataset whose cleaning stands still does not turn any away.
    const { refusal } = platform.log
    const refused = refusal && { code: refusal.code, message: refusal.message }
    return reply
      .code(refused ? 503 : 200)
      .send({ ok: !refused, ...(refused && { refused }), workers: platform.states() })
  })
}

async function answer(
  platform: Platform,
  name: OperationName,
  parameters: unknown,
  reply: FastifyReply,
  ending: AbortSignal,
  logger: Logger,
): Promise<void> {
  reply.hijack()
  const response = reply.raw
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const write = async (line: unknown) => {
    const content = Buffer.from(`${jsonLine(line)}\n`)
    for (let at = 0; at < content.length && !response.destroyed; at += pieceBytes) {
      if (!response.write(content.subarray(at, at + pieceBytes))) await drained(response, gone.signal)
    }
  }
  const signal = AbortSignal.any([gone.signal, ending])
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  try {
    await write({
      result: await runOperation(name, { platform, signal, emit: (item) => write({ item }) }, parameters),
    })
  } catch (error) {
    await write({ error: errorOf(error, name, logger) })
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
  const { success, output, issues } = v.safeParse(schema, parameters)
  if (success) return run(context, output as never)
  const [wrong] = issues
  const path = v.getDotPath(wrong)
  const what = wrong.expected === 'never' ? 'there is no such parameter' : wrong.message
  throw new PipelineError('REQUEST_INVALID', `${path === null ? name : `${name}.${path}`}: ${what}`)
}

/** JSON in which no reader sees the end of a line: Node's own takes U+2028 and U+2029 for one. */
function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

function errorOf(error: unknown, operation: string, logger: Logger): { code: ErrorCode; message: string } {
  if (error instanceof PipelineError) return { code: error.code, message: error.message }
  logger.error({ operation, err: error }, `${operation} failed by a mistake of the program`)
  return { code: 'INTERNAL', message: messageOf(error) }
}

function authorized(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Wait until the client has taken what was written; who takes nothing for a while is cut off. */
async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  if (response.destroyed) return
  const timer = setTimeout(() => response.destroy(), stallMs)
  await once(response, 'drain', { signal: gone }).catch(() => undefined)
  clearTimeout(timer)
}

async function ended(response: ServerResponse): Promise<void> {
  response.end()
  if (response.writableFinished || response.destroyed) return
  const timer = setTimeout(() => response.destroy(), stallMs)
  await Promise.race([once(response, 'finish'), once(response, 'close')])
  clearTimeout(timer)
}
