import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig, memoryShares } from '../../src/core/index.ts'
import { createGateway, type Gateway } from '../../src/gateway/index.ts'
import { loadPipeline, type Pipeline } from '../../src/pipeline/index.ts'
import { Platform } from '../../src/platform/index.ts'

const folder = join(import.meta.dirname, '../../pipelines/pinterest')

export const pinterest = (): Promise<Pipeline> => loadPipeline(folder, { id: 'demo' })

/** A data folder of the packaged pipeline, with its platform and its front doors while it is open. */
export class TraceHouse {
  readonly #root: string
  #platform: Platform | undefined
  #gateway: Gateway | undefined
  #url = ''

  private constructor(root: string) {
    this.#root = root
  }

  static async make(): Promise<TraceHouse> {
    return new TraceHouse(await mkdtemp(join(tmpdir(), 'pinflow-trace-')))
  }

  get platform(): Platform {
    if (this.#platform) return this.#platform
    throw new Error('no platform is open')
  }

  get url(): string {
    return this.#url
  }

  async open({
    pipeline,
    running = true,
    flags = {},
  }: {
    pipeline?: Pipeline
    running?: boolean
    flags?: Record<string, unknown>
  } = {}): Promise<Platform> {
    const given = { data: join(this.#root, 'data'), 'take.ageMs': 20, 'land.ageMs': 200, ...flags }
    const { config } = await loadConfig({ environment: {}, flags: given, folder: this.#root })
    const logger = pino({ level: 'silent' })
    const platform = await Platform.open({ config, pipeline: pipeline ?? (await pinterest()), logger })
    this.#platform = platform
    if (running) platform.start()
    this.#gateway = createGateway({
      log: platform.log,
      options: {
        port: 0,
        recordBytesMax: 100_000,
        bodyBytesMax: 400_000,
        inFlightBytesMax: memoryShares(config.memory.capBytes).inFlightBytes,
      },
      onRefused: (refused) => platform.refusals.note(refused),
    })
    this.#url = (await this.#gateway.listen()).url
    return platform
  }

  async close(): Promise<void> {
    await this.#gateway?.close()
    await this.#platform?.close()
    this.#gateway = undefined
    this.#platform = undefined
  }

  async remove(): Promise<void> {
    await this.close()
    await rm(this.#root, { recursive: true, force: true })
  }

  /** Send a body, whatever it is. @returns the status and what the answer holds */
  async send(
    method: string,
    path: string,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#url}${path}`, { method, body, headers })
    return { status: response.status, text: await response.text() }
  }

  /** One record through Kafka REST, in JSON. */
  kafka(topic: string, value: unknown, key?: string): Promise<{ status: number; text: string }> {
    const record = { ...(key !== undefined && { key }), value }
    return this.send('POST', `/topics/${topic}`, JSON.stringify({ records: [record] }), {
      'content-type': 'application/vnd.kafka.json.v2+json',
    })
  }

  /** One record through Kafka REST, in base64. */
  bytes(topic: string, value: Buffer | null, key?: string): Promise<{ status: number; text: string }> {
    const record = {
      ...(key !== undefined && { key: Buffer.from(key).toString('base64') }),
      value: value?.toString('base64') ?? null,
    }
    return this.send('POST', `/topics/${topic}`, JSON.stringify({ records: [record] }), {
      'content-type': 'application/vnd.kafka.binary.v2+json',
    })
  }

  /** One record by PutRecord of Kinesis. */
  kinesis(stream: string, value: string): Promise<{ status: number; text: string }> {
    const body = { StreamName: stream, Data: Buffer.from(value).toString('base64'), PartitionKey: 'p' }
    return this.send('POST', '/', JSON.stringify(body), {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Kinesis_20131202.PutRecord',
      authorization:
        'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00',
      'x-amz-date': '20260101T000000Z',
    })
  }
}

/** Numbers from a seed: 0 ≤ number < below. */
export function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
