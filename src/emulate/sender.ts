import { setTimeout as sleep } from 'node:timers/promises'
import { errors, Pool } from 'undici'
import { messageOf, PipelineError } from '../core/index.ts'
import { type DoorRequest, type Refusal, refusalOf } from './door.ts'

/** A request that is not answered by then is tried again. */
const answerWithinMs = 30_000
const backOffFirstMs = 100
const backOffMaxMs = 5_000

export interface SenderOptions {
  /** `http(s)://host:port`, with the path of a stage where there is one. */
  gatewayUrl: string
  connections: number
  retryForMs: number
  signal: AbortSignal | undefined
  onRetry(): void
}

/**
 * Sends records to one gateway over kept connections, one request at a time on each.
 *
 * A record may arrive more than once: an answer lost on its way looks like no answer.
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #pool: Pool
  readonly #basePath: string
  /** When the door last took a record or refused one for good. */
  #aliveMs = performance.now()

  /** @throws CONFIG_INVALID when the URL is none */
  constructor(options: SenderOptions) {
    const { gatewayUrl, connections } = options
    const url = URL.parse(gatewayUrl)
    if (!url || !/^https?:$/.test(url.protocol)) {
      throw new PipelineError(
        'CONFIG_INVALID',
        `the gateway's URL is ${gatewayUrl}; it must be http(s)://host:port`,
      )
    }
    this.#options = options
    this.#basePath = url.pathname.replace(/\/+$/, '')
    this.#pool = new Pool(url.origin, {
      connections,
      pipelining: 1,
      headersTimeout: answerWithinMs,
      bodyTimeout: answerWithinMs,
    })
  }

  /**
   * Send until the door has the record, refuses it for good, or `retryForMs` are over. While the door has answered
   * nobody for that long a record is tried twice, so that a dead door does not cost `retryForMs` for each.
   *
   * @returns the last refusal, or undefined: acknowledged
   */
  async send(request: DoorRequest): Promise<Refusal | undefined> {
    const { retryForMs, signal, onRetry } = this.#options
    const startMs = performance.now()
    for (let attempt = 0; ; attempt++) {
      const refusal = await this.#try(request)
      const nowMs = performance.now()
      if (!refusal?.retriable) {
        this.#aliveMs = nowMs
        return refusal
      }
      const leftMs = startMs + retryForMs - nowMs
      const dead = nowMs - this.#aliveMs >= retryForMs
      const askedMs = refusal.retryAfterMs ?? 0
      if (leftMs <= 0 || askedMs > leftMs || (dead && attempt > 0)) return refusal
      if (!(await pause(Math.min(Math.max(askedMs, backOffMs(attempt)), leftMs), signal))) return refusal
      onRetry()
    }
  }

  async #try(request: DoorRequest): Promise<Refusal | undefined> {
    const { door, method, path, headers, body } = request
    try {
      const answer = await this.#pool.request({ method, path: this.#basePath + path, headers, body })
      const refusal = refusalOf(door, answer.statusCode, await answer.body.text())
      const retryAfterMs = retryAfterMsOf(answer.headers['retry-after'])
      return refusal && retryAfterMs !== undefined ? { ...refusal, retryAfterMs } : refusal
    } catch (thrown) {
      if (thrown instanceof errors.InvalidArgumentError) throw thrown
      return { message: reasonOf(thrown), retriable: true }
    }
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}

/** Doubling, at most 5 s, and between half of it and all of it, so that senders do not come back all at once. */
function backOffMs(attempt: number): number {
  return Math.min(backOffFirstMs * 2 ** attempt, backOffMaxMs) * (0.5 + Math.random() / 2)
}

/** @returns false when the signal came first */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await sleep(ms, undefined, signal && { signal })
    return true
  } catch (thrown) {
    if (signal?.aborted) return false
    throw thrown
  }
}

/** Retry-After, as seconds or as a date. */
function retryAfterMsOf(header: string | string[] | undefined): number | undefined {
  const text = [header].flat()[0]
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** Several failed addresses of one name come as an error without a message of its own. */
function reasonOf(thrown: unknown): string {
  const first = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  return `no answer: ${messageOf(first)}`
}
