import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadPipeline, type SyntheticSource } from '../../src/pipeline/index.ts'
import { root } from './pinflow.ts'

/** A record that a front door has acknowledged, with its place in the log and the bytes that were sent. */
export interface Acknowledged {
  topic: string
  partition: number
  offset: number
  value: string
}

interface Batch {
  dataset: (typeof datasets)[number]
  records: string[]
}

const datasets = ['pin', 'geo', 'user'] as const

/** Numbers of a sequence that its seed decides, below a limit (mulberry32). */
export function randomOf(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit)
  }
}

/**
 * Clients that post through two doors, and send again what was not acknowledged, as a client does
 * that cannot know whether it arrived.
 */
export class Load {
  readonly acknowledged: Acknowledged[] = []
  /** Topics and streams that are being deleted: what is refused because of it is sent again. */
  readonly mayBeGone = new Set<string>()
  /** Requests that were refused so. */
  gone = 0
  readonly #source: SyntheticSource
  readonly #random: (limit: number) => number
  readonly #unacknowledged: Batch[] = []
  #next = 0
  #stopping = false
  #clients: Promise<void>[] = []

  private constructor(source: SyntheticSource, random: (limit: number) => number) {
    this.#source = source
    this.#random = random
  }

  static async open(random: (limit: number) => number): Promise<Load> {
    const { source } = await loadPipeline(join(root, 'pipelines', 'pinterest'), { id: 'demo' })
    if (!source) throw new Error('the packaged pipeline makes no rows')
    return new Load(await source(), random)
  }

  /** @param pauseMs of a client after each answer; without one it is as fast as it can */
  start(gatewayUrl: string, clients: number, pauseMs = 0): void {
    this.#stopping = false
    this.#clients = Array.from({ length: clients }, () => this.#client(gatewayUrl, pauseMs))
    // Told by `stop`.
    for (const client of this.#clients) client.catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#clients)
  }

  /** Send until nothing is unacknowledged. */
  async drain(gatewayUrl: string): Promise<void> {
    for (let batch = this.#unacknowledged.shift(); batch; batch = this.#unacknowledged.shift())
      await this.#send(gatewayUrl, batch)
  }

  async #client(gatewayUrl: string, pauseMs: number): Promise<void> {
    while (!this.#stopping) {
      const again = this.#random(4) === 0 ? this.#unacknowledged.shift() : undefined
      await this.#send(gatewayUrl, again ?? this.#draw())
      const rest = this.#random(10) === 0 ? this.#random(20) : 0
      if (pauseMs + rest > 0) await sleep(pauseMs + rest)
    }
  }

  #draw(): Batch {
    const dataset = datasets[this.#random(datasets.length)] ?? 'pin'
    const records = Array.from({ length: 1 + this.#random(20) }, () => {
      // One in ten is a copy, and all are once every row was sent; one in twenty is bad.
      const fresh = this.#random(10) !== 0
      const row = (fresh ? this.#next++ : this.#random(this.#next + 1)) % this.#source.rows
      return this.#random(20) === 0 ? `{"bad":${row}}` : (this.#source.row(row)[dataset] ?? '')
    })
    return { dataset, records }
  }

  #isForAnotherTry(error: unknown, topic: string): boolean {
    // `fetch` fails with a TypeError when the connection does.
    if (error instanceof TypeError || error instanceof PutOff) return true
    if (!(error instanceof Gone)) return false
    this.gone++
    return this.mayBeGone.has(topic)
  }

  /** A request that fails in any way is for another try. */
  async #send(gatewayUrl: string, batch: Batch): Promise<void> {
    const kafka = this.#random(2) === 0
    try {
      const places = await (kafka ? produce : put)(gatewayUrl, batch)
      for (const [at, place] of places.entries())
        this.acknowledged.push({ ...place, value: batch.records[at] ?? '' })
    } catch (error) {
      const topic = (kafka ? topicOf : streamOf)(batch.dataset)
      if (!this.#isForAnotherTry(error, topic)) throw error
      this.#unacknowledged.push(batch)
    }
  }
}

const topicOf = (dataset: Batch['dataset']): string => `demo.${dataset}`
const streamOf = (dataset: Batch['dataset']): string => `streaming-demo-${dataset}`

async function produce(gatewayUrl: string, { dataset, records }: Batch) {
  const topic = topicOf(dataset)
  const body = `{"records":[${records.map((record) => `{"value":${record}}`).join(',')}]}`
  const headers = { 'content-type': 'application/vnd.kafka.json.v2+json' }
  const answer = await request(`${gatewayUrl}/topics/${topic}`, { method: 'POST', headers, body })
  const { offsets } = answer as { offsets: { partition: number; offset: number }[] }
  return offsets.map(({ partition, offset }) => ({ topic, partition, offset }))
}

async function put(gatewayUrl: string, { dataset, records }: Batch) {
  const topic = streamOf(dataset)
  const entries = records.map((record, at) => `{"data":${record},"partition-key":"${at}"}`)
  const answer = await request(`${gatewayUrl}/streams/${topic}/records`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: `{"records":[${entries.join(',')}]}`,
  })
  const { Records } = answer as { Records: { SequenceNumber: string }[] }
  return Records.map(({ SequenceNumber }) => {
    // The sixteen hexadecimal digits from the twelfth on are the offset.
    const digits = BigInt(SequenceNumber).toString(16)
    return { topic, partition: 0, offset: Number.parseInt(digits.slice(11, 27), 16) }
  })
}

/** The request was refused, and can be sent again. */
class PutOff extends Error {}
/** There is no such topic, or stream. */
class Gone extends Error {}

async function request(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init)
  const text = await response.text()
  if (response.status === 200) return JSON.parse(text)
  const message = `${init.method} ${url}: ${response.status} ${text}`
  if (response.status === 503) throw new PutOff(message)
  if (response.status === 404 || text.includes('ResourceNotFoundException')) throw new Gone(message)
  throw new Error(message)
}
