import assert from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pipeline } from '../pipeline/index.ts'
import { type EmulateAccount, refusedMax } from './account.ts'
import { type DoorName, Doors } from './door.ts'
import { Sender } from './sender.ts'
import type { Post, Source } from './source.ts'

export interface EmulateOptions {
  pipeline: Pipeline
  /** `http(s)://host:port`, with the path of a stage where there is one. */
  gatewayUrl: string
  source: Source
  /** `both`: even posts through Kafka REST, odd ones through API Gateway. A record goes through one of them. */
  via: 'both' | DoorName
  /** Posts in flight, which is also how far the source is read ahead; default 16. With 1, records go in order. */
  concurrency?: number
  /** Posts a second, at most; default without limit. */
  ratePerSecond?: number
  /** How long a record is tried again when the door does not answer, or answers 429 or 5xx; default 60,000. */
  retryForMs?: number
  /** Stops the reading and the trying again; requests under way are waited for. */
  signal?: AbortSignal
  /** Called after each post, with the living account: copy what is to be kept. */
  onProgress?(account: EmulateAccount): void
}

/**
 * Post everything a source gives through the front doors. Within a post one record follows the other; posts overtake
 * each other. A record that the door does not take is counted, never an error.
 *
 * @returns the account, once nothing is in flight
 * @throws what the source throws, after what is in flight has ended; CONFIG_INVALID when the URL is none
 */
export async function emulate(options: EmulateOptions): Promise<EmulateAccount> {
  const { source, concurrency = 16, ratePerSecond, signal } = options
  assert(concurrency >= 1)
  const pacer = new Pacer(ratePerSecond)
  const run = new Run(options, concurrency)
  try {
    for await (const post of source) {
      await pacer.turn(signal)
      if (signal?.aborted) break
      run.start(post)
      await run.below(concurrency)
      if (signal?.aborted) break
    }
  } finally {
    await run.end()
  }
  return run.account
}

/** Posts in flight, and the account of them. */
class Run {
  readonly account: EmulateAccount
  readonly #options: EmulateOptions
  readonly #doors: ReadonlyMap<string, Doors>
  readonly #sender: Sender
  #inFlight = 0
  #wake: (() => void) | undefined
  /** What a post threw: an error of the program. */
  readonly #thrown: unknown[] = []

  constructor(options: EmulateOptions, connections: number) {
    const { pipeline, gatewayUrl, retryForMs = 60_000, signal } = options
    const { datasets } = pipeline
    this.#options = options
    this.#doors = new Map(datasets.map((dataset) => [dataset.name, new Doors(dataset)]))
    this.account = {
      datasets: Object.fromEntries(
        datasets.map(({ name }) => [name, { sent: 0, acknowledged: 0, failed: 0 }]),
      ),
      retries: 0,
      refused: [],
    }
    const onRetry = () => this.account.retries++
    this.#sender = new Sender({ gatewayUrl, connections, retryForMs, signal, onRetry })
  }

  start(post: Post): void {
    this.#inFlight++
    this.#send(post)
      .catch((thrown: unknown) => this.#thrown.push(thrown))
      .finally(() => {
        this.#inFlight--
        this.#wake?.()
      })
  }

  /** Resolves when fewer posts than this are in flight. */
  async below(posts: number): Promise<void> {
    while (this.#inFlight >= posts) {
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
    if (this.#thrown.length > 0) throw this.#thrown[0]
  }

  async end(): Promise<void> {
    try {
      await this.below(1)
    } finally {
      await this.#sender.close()
    }
  }

  async #send({ post, records }: Post): Promise<void> {
    const { via, onProgress } = this.#options
    const wanted = via === 'both' ? (post % 2 === 0 ? 'kafka-rest' : 'api-gateway') : via
    for (const { dataset, json } of records) {
      const request = this.#doors.get(dataset)!.request(wanted, json, post)
      const count = this.account.datasets[dataset]!
      count.sent++
      const refusal = await this.#sender.send(request)
      if (!refusal) {
        count.acknowledged++
        continue
      }
      count.failed++
      if (this.account.refused.length < refusedMax) {
        const { status, message } = refusal
        const { door } = request
        this.account.refused.push({
          code: 'DOOR_REFUSED',
          dataset,
          post,
          door,
          ...(status && { status }),
          message,
        })
      }
    }
    onProgress?.(this.account)
  }
}

/** After a delay at most this much is caught up on, not all that was missed. */
const catchUpMs = 100

/** Lets turns go by at a rate. */
class Pacer {
  readonly #intervalMs: number
  #dueMs: number

  constructor(ratePerSecond: number | undefined) {
    assert(ratePerSecond === undefined || ratePerSecond > 0)
    this.#intervalMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond
    this.#dueMs = performance.now() - this.#intervalMs
  }

  /** Resolves when the next turn is due, at once when the signal comes. */
  async turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#intervalMs === 0) return
    const nowMs = performance.now()
    this.#dueMs = Math.max(this.#dueMs + this.#intervalMs, nowMs - catchUpMs)
    const waitMs = this.#dueMs - nowMs
    if (waitMs <= 0) return
    await sleep(waitMs, undefined, signal && { signal }).catch((thrown: unknown) => {
      if (!signal?.aborted) throw thrown
    })
  }
}
