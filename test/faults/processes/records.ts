import type { Place } from './history.ts'

/** Records that are sent together. */
export interface Batch {
  topic: string
  door: 'kafka-rest' | 'api-gateway'
  values: readonly string[]
}

/** A record of a dataset, as whoever wrote it knows it. */
export type Content = { bad: true } | { bad: false; ind: number; mark: string }

export const datasets = ['pin', 'geo', 'user'] as const
export type DatasetName = (typeof datasets)[number]

/** A stream that belongs to no dataset: it lands, and nothing else. It has several shards. */
export const otherStream = 'other'
export const otherShards = 3

export const topicsOf = (dataset: DatasetName) => [`demo.${dataset}`, `streaming-demo-${dataset}`]
export const topics = [...datasets.flatMap(topicsOf), otherStream]

const writers: Record<DatasetName, (ind: number, mark: string) => string> = {
  pin: (ind, mark) => `{"index":${ind},"title":"${mark}","category":"art","follower_count":"5k"}`,
  geo: (ind, mark) =>
    `{"ind":${ind},"timestamp":"2020-01-31T00:00:00","latitude":1.5,"longitude":2.5,"country":"${mark}"}`,
  user: (ind, mark) => `{"ind":${ind},"first_name":"${mark}","last_name":"N","age":30}`,
}

/** The column of clean rows that holds the mark. */
export const markColumn: Record<DatasetName, string> = { pin: 'title', geo: 'country', user: 'user_name' }

/** The mark in what that column holds. */
export const markIn = (dataset: DatasetName, held: string) =>
  dataset === 'user' ? held.replace(/ N$/, '') : held

/** What the platform is to make of a value; read by plain means of its own. */
export function contentOf(value: string): Content {
  const parsed = JSON.parse(value) as Record<string, unknown> | number
  if (typeof parsed === 'number' || 'bad' in parsed) return { bad: true }
  const ind = parsed.index ?? parsed.ind
  return { bad: false, ind: Number(ind), mark: String(parsed.title ?? parsed.country ?? parsed.first_name) }
}

interface Request {
  path: string
  method: string
  headers: Record<string, string>
  body: string
}

/** Draws records, and writes requests. */
export class Drawing {
  readonly #random: (limit: number) => number
  #rows = 0
  #sent = 0

  constructor(random: (limit: number) => number) {
    this.#random = random
  }

  draw(): Batch {
    const count = 1 + this.#random(8)
    const dataset = datasets[this.#random(datasets.length + 1)]
    if (!dataset)
      return { topic: otherStream, door: 'api-gateway', values: Array(count).fill('{"other":true}') }
    const door = this.#random(2) === 0 ? 'kafka-rest' : 'api-gateway'
    const topic = topicsOf(dataset)[door === 'kafka-rest' ? 0 : 1]!
    return { topic, door, values: Array.from({ length: count }, () => this.#value(dataset)) }
  }

  /** One in ten is a copy of an earlier one, one in twenty has the key of an earlier one only, one in twenty is bad. */
  #value(dataset: DatasetName): string {
    const kind = this.#random(20)
    if (kind === 0) return this.#random(2) === 0 ? '17' : `{"bad":${this.#rows++}}`
    const ind = kind <= 3 ? this.#random(this.#rows + 1) : this.#rows++
    return writers[dataset](ind, `m${ind}.${kind === 1 ? this.#random(100) : 0}`)
  }

  /** A request that gives every record an id of its own, as its key, and what reads the answer. */
  requestFor({ topic, door, values }: Batch) {
    const records = values.map((value) => ({ id: `r${this.#sent++}`, value }))
    return door === 'kafka-rest'
      ? { records, request: produce(topic, records), read: readOffsets }
      : { records, request: put(topic, records), read: readSequenceNumbers }
  }
}

type Sent = readonly { id: string; value: string }[]

function produce(topic: string, records: Sent): Request {
  return {
    path: `/topics/${topic}`,
    method: 'POST',
    headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
    body: `{"records":[${records.map(({ id, value }) => `{"key":"${id}","value":${value}}`).join(',')}]}`,
  }
}

function put(topic: string, records: Sent): Request {
  return {
    path: `/streams/${topic}/records`,
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: `{"records":[${records.map(({ id, value }) => `{"data":${value},"partition-key":"${id}"}`).join(',')}]}`,
  }
}

function readOffsets(answer: unknown): (Place | undefined)[] {
  const { offsets } = answer as { offsets: { partition: number | null; offset: number | null }[] }
  return offsets.map(({ partition, offset }) =>
    partition === null || offset === null ? undefined : { partition, offset },
  )
}

function readSequenceNumbers(answer: unknown): (Place | undefined)[] {
  const { Records } = answer as { Records: { SequenceNumber?: string }[] }
  return Records.map(({ SequenceNumber }) => {
    if (SequenceNumber === undefined) return undefined
    // Digits from the right: 1, shard 8, time 9, two zeros, offset 16.
    const digits = BigInt(SequenceNumber).toString(16)
    const [shard = '', offset = ''] = [digits.slice(-9, -1), digits.slice(-36, -20)]
    return { partition: Number.parseInt(shard, 16), offset: Number.parseInt(offset, 16) }
  })
}
