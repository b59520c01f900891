import type { FastifyRequest } from 'fastify'
import { scan } from '../core/index.ts'
import type { Refused } from '../refusals/index.ts'
import { headOf } from './body.ts'
import type { Failure, Refusal } from './failure.ts'
import { memberOf } from './request-json.ts'

/** Larger bodies are not looked through again to count what was in them. */
const countedBytesMax = 2 ** 18

/**
 * What is to be remembered of a request that is refused; undefined where it brought no records: it reads, or makes a
 * stream, or its client went away before it was there.
 */
export function refusedRequest(
  door: string,
  request: FastifyRequest,
  { code }: Failure,
  refusal: Refusal,
): Refused | undefined {
  if (!bringsRecords(request)) return undefined
  const { method, raw, params } = request
  if (raw.destroyed && !raw.complete) return undefined
  const body = Buffer.isBuffer(request.body) ? request.body : headOf(raw)
  const bytes = Number(raw.headers['content-length'] ?? body?.length)
  const whole = Buffer.isBuffer(request.body) && body && body.length <= countedBytesMax ? body : undefined
  const records = whole && countRecords(whole)
  const topic = topicOf(params) ?? (body && streamIn(body))
  const told = toldBy(refusal)
  return {
    timeMs: Date.now(),
    door,
    method,
    path: request.originalUrl,
    ...(topic !== undefined && { topic }),
    status: refusal.status,
    ...((code ?? told.code) !== undefined && { code: code ?? told.code! }),
    message: told.message,
    ...(records !== undefined && { records }),
    ...(body && body.length > 0 && { body }),
    ...(Number.isSafeInteger(bytes) && { bytes }),
  }
}

function bringsRecords({ method, headers, routeOptions }: FastifyRequest): boolean {
  if (method === 'PUT') return true
  if (method !== 'POST') return false
  const [, action] = String(headers['x-amz-target'] ?? '').split('.')
  if (action !== undefined && /^(List|Describe|Get|Create|Delete)/.test(action)) return false
  return routeOptions.url !== '/streams/:stream'
}

function topicOf(params: unknown): string | undefined {
  const { topic, stream } = (params ?? {}) as { topic?: string; stream?: string }
  return topic ?? stream
}

/** The stream that the body of a Kinesis action names. */
function streamIn(body: Buffer): string | undefined {
  const head = body.toString('latin1', 0, 4_096)
  const tail = body.toString('latin1', Math.max(4_096, body.length - 4_096))
  const pattern = /"StreamName"\s*:\s*"([a-zA-Z0-9_.-]{1,128})"/
  return (pattern.exec(head) ?? pattern.exec(tail))?.[1]
}

/** Records that a body holds; undefined where it does not show. */
function countRecords(body: Buffer): number | undefined {
  const text = scan(body, 2)
  if (!text.ok || text.root.kind !== 'object') return undefined
  const list = memberOf(text.root, 'records') ?? memberOf(text.root, 'Records')
  if (list) return list.elements?.length
  return memberOf(text.root, 'Data') ? 1 : undefined
}

/** What the answer says, whatever its protocol. */
function toldBy({ body, status }: Refusal): { code?: string; message: string } {
  if (typeof body === 'string') {
    const name = /<(\w+)/.exec(body)?.[1]
    const message = /<Message>(.*?)<\/Message>/s.exec(body)?.[1] ?? name ?? `HTTP ${status}`
    return { ...(name !== undefined && { code: name }), message }
  }
  const told = body as { __type?: string; error_code?: number; message?: string; Message?: string }
  const code = told.__type ?? (told.error_code === undefined ? undefined : String(told.error_code))
  const message = told.message ?? told.Message ?? told.__type ?? `HTTP ${status}`
  return { ...(code !== undefined && { code }), message }
}
