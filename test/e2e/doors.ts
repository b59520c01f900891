import assert from 'node:assert'
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { decodeSequenceNumber } from '../../src/log/sequence-number.ts'
import type { Sent } from '../fixtures/posts/record.ts'

export interface Place {
  topic: string
  partition: number
  offset: number
}

/** Puts records through the front doors, one request each, as clients of each door do. */
export class FrontDoors {
  readonly #url: string
  readonly #kinesis: KinesisClient

  constructor(gatewayUrl: string) {
    this.#url = gatewayUrl
    this.#kinesis = new KinesisClient({
      endpoint: gatewayUrl,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1,
    })
  }

  /** @returns where the door says that the record stands */
  send(dataset: string, record: Sent): Promise<Place> {
    const stream = `streaming-demo-${dataset}`
    const { sent } = record
    switch (record.door) {
      case 'kafka':
        return this.#produce(`demo.${dataset}`, 'json', sent === undefined ? '{}' : `{"value":${sent}}`)
      case 'binary': {
        const value = sent === null ? 'null' : `"${sent?.toString('base64')}"`
        return this.#produce(`demo.${dataset}`, 'binary', `{"value":${value}}`)
      }
      case 'gateway':
        return this.#put(stream, 'record', `{"StreamName":"${stream}","Data":${sent},"PartitionKey":"k"}`)
      case 'list': {
        const data = JSON.stringify(String(sent))
        return this.#put(stream, 'records', `{"records":[{"data":${data},"partition-key":"k"}]}`)
      }
      case 'kinesis':
        return this.#putRecord(stream, sent as Buffer)
    }
  }

  close(): void {
    this.#kinesis.destroy()
  }

  async #produce(topic: string, format: 'json' | 'binary', record: string): Promise<Place> {
    const contentType = `application/vnd.kafka.${format}.v2+json`
    const answer = await this.#request('POST', `/topics/${topic}`, contentType, `{"records":[${record}]}`)
    const { offsets } = answer as { offsets: { partition: number; offset: number }[] }
    assert(offsets.length === 1)
    return { topic, partition: offsets[0]!.partition, offset: offsets[0]!.offset }
  }

  async #put(stream: string, what: 'record' | 'records', body: string): Promise<Place> {
    const answer = await this.#request('PUT', `/streams/${stream}/${what}`, 'application/json', body)
    const { Records } = answer as { Records?: { SequenceNumber: string }[] }
    return placeOf(stream, (Records?.[0] ?? (answer as { SequenceNumber: string })).SequenceNumber)
  }

  async #putRecord(stream: string, data: Buffer): Promise<Place> {
    const command = new PutRecordCommand({ StreamName: stream, Data: data, PartitionKey: 'k' })
    const { SequenceNumber } = await this.#kinesis.send(command)
    return placeOf(stream, SequenceNumber)
  }

  async #request(method: string, path: string, contentType: string, body: string): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { 'content-type': contentType },
      body,
    })
    const text = await response.text()
    assert(response.status === 200, `${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }
}

function placeOf(topic: string, sequenceNumber: string | undefined): Place {
  const place = decodeSequenceNumber(String(sequenceNumber))
  assert(place, `no sequence number: ${sequenceNumber}`)
  return { topic, partition: place.shard, offset: place.offset }
}
