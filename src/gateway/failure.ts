import { type ErrorCode, PipelineError } from '../core/index.ts'

/** An import of node:http would load a WebSocket client as well, as all its names are read. */
const { STATUS_CODES } = process.getBuiltinModule('node:http')

/** Why a request is not served, before a protocol gives it its form. */
export interface Failure {
  /** HTTP status. */
  status: number
  /** For the client; names no path, no internals. */
  message: string
  /** Of an operational error. */
  code?: ErrorCode
  /** When the same request may succeed. */
  retryAfterSeconds?: number
}

/** An answer that refuses a request, in the exact form of its protocol. */
export class Refusal extends Error {
  readonly status: number
  /** Sent as JSON, or as it is when it is text. */
  readonly body: object | string
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, body: object | string, retryAfterSeconds?: number) {
    super(typeof body === 'string' ? body : JSON.stringify(body))
    this.name = 'Refusal'
    this.status = status
    this.body = body
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const statuses: Partial<Record<ErrorCode, number>> = {
  TOPIC_NAME_INVALID: 400,
  REQUEST_INVALID: 400,
  TOPIC_UNKNOWN: 404,
  PARTITION_UNKNOWN: 404,
  TOPIC_EXISTS: 409,
  RECORD_TOO_LARGE: 413,
  REQUEST_TOO_LARGE: 413,
}

/** Answered with 503 and Retry-After. */
const passing: Partial<Record<ErrorCode, { message: string; seconds: number }>> = {
  OVERLOADED: { message: 'Too many bytes are under way; send again later.', seconds: 1 },
  STOPPING: { message: 'The gateway is stopping; send again later.', seconds: 5 },
  LOG_FULL: { message: 'The log has no space left; send again later.', seconds: 10 },
  LOG_FAILED: { message: 'The log cannot be written; send again later.', seconds: 10 },
  STORE_FULL: { message: 'The store has no space left; send again later.', seconds: 10 },
  STORE_FAILED: { message: 'The store cannot be written; send again later.', seconds: 10 },
}

/** What was thrown, as a failure; anything unforeseen is a 500 that tells nothing. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof PipelineError) {
    const { code, message } = thrown
    const pass = passing[code]
    if (pass) return { status: 503, code, message: pass.message, retryAfterSeconds: pass.seconds }
    const status = statuses[code]
    if (status) return { status, code, message }
    return { status: 500, code, message: 'Internal Server Error' }
  }
  const status = thrown instanceof Error ? (thrown as { statusCode?: unknown }).statusCode : undefined
  if (typeof status === 'number' && status >= 400 && status < 500) return httpFailure(status)
  return { status: 500, message: 'Internal Server Error' }
}

export function httpFailure(status: number): Failure {
  return { status, message: `HTTP ${status} ${STATUS_CODES[status]}` }
}

export function hasCode(thrown: unknown, code: ErrorCode): boolean {
  return thrown instanceof PipelineError && thrown.code === code
}
