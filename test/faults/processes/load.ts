import { setTimeout as sleep } from 'node:timers/promises'
import { Broken } from '../campaign.ts'
import type { Append } from './history.ts'
import { type Batch, Drawing } from './records.ts'

/** A request with its answer, as the network showed it; while there is none its end lies in no time. */
export interface Exchange extends Append {
  /** HTTP status; undefined when the connection broke. */
  status: number | undefined
}

/** As many as a run has. */
export const clients = 3

const pauseMs = 80
/** Clients wait so many times as long as they were waiting for the answer: a slow machine is asked for less. */
const pausePerAnswer = 4

/**
 * Clients that post through two doors, and send again, as new records, what was not acknowledged. Every exchange is
 * remembered.
 */
export class Load {
  /** Every request from the moment it is sent: what it holds may be read before it is answered. */
  readonly exchanges: Exchange[] = []
  /** An answer that no fault explains, told by `stop` as well: a client has stopped at it. */
  failure: unknown
  readonly #drawing: Drawing
  readonly #random: (limit: number) => number
  readonly #unacknowledged: Batch[] = []
  #gatewayUrl: string | undefined
  #clients: Promise<void>[] = []
  #stopping = false
  #open = 0

  constructor(random: (limit: number) => number) {
    this.#random = random
    this.#drawing = new Drawing(random)
  }

  /** Requests that are not answered yet. */
  get open(): number {
    return this.#open
  }

  /** Where to send from now on; undefined: nowhere. */
  set gatewayUrl(url: string | undefined) {
    this.#gatewayUrl = url
  }

  start(clients: number): void {
    this.#stopping = false
    this.#clients = Array.from({ length: clients }, () => this.#client())
    for (const client of this.#clients)
      client.catch((error: unknown) => {
        this.failure ??= error
      })
  }

  /** @throws Broken for an answer that no fault explains */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#clients)
    this.#clients = []
  }

  /** Send until nothing is unacknowledged. */
  async drain(): Promise<void> {
    for (let batch = this.#unacknowledged.shift(); batch; batch = this.#unacknowledged.shift())
      await this.#send(batch)
  }

  async #client(): Promise<void> {
    while (!this.#stopping) {
      const beganMs = performance.now()
      const again = this.#random(3) === 0 ? this.#unacknowledged.shift() : undefined
      if (this.#gatewayUrl !== undefined) await this.#send(again ?? this.#drawing.draw())
      else if (again) this.#unacknowledged.push(again)
      const waitedMs = performance.now() - beganMs
      await sleep(pauseMs + this.#random(pauseMs) + pausePerAnswer * Math.min(waitedMs, pauseMs * 10))
    }
  }

  async #send(batch: Batch): Promise<void> {
    const { topic } = batch
    const { request, records, read } = this.#drawing.requestFor(batch)
    const exchange: Exchange = {
      topic,
      records,
      beganMs: performance.now(),
      endedMs: Number.POSITIVE_INFINITY,
      places: [],
      status: undefined,
    }
    this.exchanges.push(exchange)
    this.#open++
    try {
      const response = await fetch(`${this.#gatewayUrl}${request.path}`, request)
      const body = await response.text()
      exchange.status = response.status
      if (response.status === 200) exchange.places = read(JSON.parse(body))
      else refuseUnlessPutOff(response, body)
    } catch (error) {
      // `fetch` fails with a TypeError when the connection does.
      if (!(error instanceof TypeError)) throw error
      exchange.status = undefined
    } finally {
      exchange.endedMs = performance.now()
      this.#open--
    }
    const values = batch.values.filter((_, at) => !exchange.places[at])
    if (values.length > 0) this.#unacknowledged.push({ ...batch, values })
  }
}

function refuseUnlessPutOff({ status, headers, url }: Response, body: string): void {
  const putOff = (status === 503 || status === 429) && Number(headers.get('retry-after')) > 0
  if (!putOff) throw new Broken(`${url} answered ${status} ${body}`)
}
