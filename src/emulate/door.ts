import { scan } from '../core/index.ts'
import type { Dataset } from '../pipeline/index.ts'

export type DoorName = 'kafka-rest' | 'api-gateway'

/** One record on its way through a door. */
export interface DoorRequest {
  door: DoorName
  method: 'POST' | 'PUT'
  path: string
  headers: Record<string, string>
  /** The record's JSON text stands in it byte for byte. */
  body: Buffer
}

/** What keeps a record from being acknowledged. */
export interface Refusal {
  status?: number
  message: string
  /** Whether the same request may be accepted later. */
  retriable: boolean
  /** How long the door asks to wait, milliseconds. */
  retryAfterMs?: number
}

/** A dataset's ways in. */
export class Doors {
  readonly #topic: string | undefined
  readonly #stream: string | undefined
  /** For each key column the members it may be read from. */
  readonly #key: readonly (readonly string[])[]

  constructor(dataset: Dataset) {
    this.#topic = dataset.topics.find(({ partitioner }) => partitioner === 'kafka')?.name
    this.#stream = dataset.topics.find(({ partitioner }) => partitioner === 'kinesis')?.name
    this.#key = dataset.key.map((column) => dataset.schema[column]?.from ?? [column])
  }

  /** The request for a record; a dataset that lacks the asked door's kind of topic goes through the other. */
  request(door: DoorName, json: string | Buffer, post: number): DoorRequest {
    const bytes = typeof json === 'string' ? Buffer.from(json) : json
    const stream = door === 'api-gateway' || this.#topic === undefined ? this.#stream : undefined
    return stream === undefined
      ? throughKafkaRest(this.#topic!, bytes)
      : this.#throughApiGateway(stream, bytes, post)
  }

  #throughApiGateway(stream: string, json: Buffer, post: number): DoorRequest {
    const head = `{"StreamName":${JSON.stringify(stream)},"Data":`
    const tail = `,"PartitionKey":${JSON.stringify(this.#partitionKey(json) ?? String(post))}}`
    return {
      door: 'api-gateway',
      method: 'PUT',
      path: `/streams/${stream}/record`,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: Buffer.concat([Buffer.from(head), json, Buffer.from(tail)]),
    }
  }

  /** The key's text; undefined where it is not plainly there, or no partition key of Kinesis (1 to 256 characters). */
  #partitionKey(json: Buffer): string | undefined {
    const scanned = scan(json, 1)
    const members = scanned.ok ? scanned.root.members : undefined
    if (!members || this.#key.length === 0) return undefined
    const values: string[] = []
    for (const names of this.#key) {
      const known = names.map((name) => members.find((member) => member.name === name)?.value)
      const value = known.find((node) => node?.kind === 'string' || node?.kind === 'number')
      if (!value) return undefined
      const text = json.toString('utf8', value.start, value.end)
      values.push(value.kind === 'string' ? (JSON.parse(text) as string) : text)
    }
    const key = values.join(',')
    return key.length >= 1 && key.length <= 256 ? key : undefined
  }
}

const kafkaHead = Buffer.from('{"records":[{"value":')
const kafkaTail = Buffer.from('}]}')

function throughKafkaRest(topic: string, json: Buffer): DoorRequest {
  return {
    door: 'kafka-rest',
    method: 'POST',
    path: `/topics/${topic}`,
    headers: {
      'content-type': 'application/vnd.kafka.json.v2+json',
      accept: 'application/vnd.kafka.v2+json',
    },
    body: Buffer.concat([kafkaHead, json, kafkaTail]),
  }
}

/** Why an answer is no acknowledgement; undefined when it is one. A status alone proves nothing at either door. */
export function refusalOf(door: DoorName, status: number, body: string): Refusal | undefined {
  const refusal = door === 'kafka-rest' ? kafkaRestRefusal(status, body) : apiGatewayRefusal(status, body)
  return refusal && { status, ...refusal, message: refusal.message.slice(0, 500) }
}

function kafkaRestRefusal(status: number, body: string): Refusal | undefined {
  if (status < 200 || status > 299) return { message: body, retriable: isRetriable(status) }
  const offset = membersOf(firstOf(membersOf(parsed(body)).offsets))
  const { error_code: code } = offset
  if (typeof code === 'number') {
    // Confluent's own codes are a status with two digits behind it.
    const retriable = isRetriable(code < 1000 ? code : Math.floor(code / 100))
    return { message: `error_code ${code}: ${String(offset.error)}`, retriable }
  }
  if (typeof offset.offset === 'number') return undefined
  return { message: `the answer names no offset: ${body}`, retriable: false }
}

/** API Gateway may be set up to answer 200 to everything: then only the body tells an error of Kinesis. */
function apiGatewayRefusal(status: number, body: string): Refusal | undefined {
  const { __type: type, SequenceNumber: sequenceNumber } = membersOf(parsed(body))
  const passing = typeof type === 'string' && kinesisPassing.test(type)
  if (status < 200 || status > 299) return { message: body, retriable: passing || isRetriable(status) }
  if (typeof sequenceNumber === 'string' && type === undefined) return undefined
  return { message: `the answer names no sequence number: ${body}`, retriable: passing }
}

/** Errors of Kinesis that pass by themselves. */
const kinesisPassing = /ProvisionedThroughputExceeded|Throttling|InternalFailure|ServiceUnavailable/

function isRetriable(status: number): boolean {
  return status === 429 || (status >= 500 && status <= 599)
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    // No JSON is no acknowledgement either: the caller reports the body.
    return undefined
  }
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined
}
