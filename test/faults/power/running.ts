import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { OperationName, ParametersOf, ResultOf } from '../../../src/api/index.ts'
import { launch, type Started, started } from '../../e2e/pinflow.ts'
import { Broken } from '../campaign.ts'
import type { Volume } from './volume.ts'

/** Everything happens often: takes, landings, new segments, commits, checkpoints. */
const env = {
  PINFLOW_TAKE_AGE_MS: '40',
  PINFLOW_LAND_AGE_MS: '200',
  PINFLOW_LAND_FLUSH_SIZE: '150',
  PINFLOW_LOG_SEGMENT_BYTES: '200000',
  PINFLOW_CLEAN_GROUP_RECORDS_MAX: '400',
}

/** Begin `pinflow start` on a volume. */
export function launchOn(volume: Volume) {
  const ports = ['--gateway-port', '0', '--api-port', '0']
  const args = ['start', '--json', '--data', join(volume.path, 'data'), ...ports]
  return launch(args, { env, before: volume.before })
}

/** A platform on a volume whose power can be cut, reached from outside through its doors. */
export class Running {
  readonly server: Started
  /** From its launch until it was ready. */
  readonly readyMs: number
  readonly #token: string

  private constructor(server: Started, token: string, readyMs: number) {
    this.server = server
    this.#token = token
    this.readyMs = readyMs
  }

  /** @throws Broken when it does not start */
  static async start(volume: Volume): Promise<Running> {
    const launchedMs = performance.now()
    let server: Started
    try {
      server = await started(launchOn(volume))
    } catch (error) {
      throw new Broken(
        `it does not start on what was on disk: ${error instanceof Error ? error.message : error}`,
      )
    }
    const readyMs = performance.now() - launchedMs
    const owner = await readFile(join(volume.outside, 'data', 'server.json'), 'utf8')
    return new Running(server, (JSON.parse(owner) as { token: string }).token, readyMs)
  }

  /** @throws Broken when the operation does */
  async ask<Name extends OperationName>(
    name: Name,
    parameters: ParametersOf<Name>,
    onItem: (item: unknown) => void = () => undefined,
  ): Promise<ResultOf<Name>> {
    const response = await fetch(`${this.server.apiUrl}/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(parameters),
    })
    for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) })) {
      const { item, result, error } = JSON.parse(line) as {
        item?: unknown
        result?: unknown
        error?: unknown
      }
      if (error) throw new Broken(`${name} failed: ${JSON.stringify(error)}\n${this.server.stderr()}`)
      if (item !== undefined) onItem(item)
      else return result as ResultOf<Name>
    }
    throw new TypeError(`${name} was not answered`)
  }

  /** Make a stream of one shard. */
  async createStream(name: string): Promise<void> {
    const response = await fetch(this.server.gatewayUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Kinesis_20131202.CreateStream',
        'x-amz-date': '20260101T000000Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify({ StreamName: name, ShardCount: 1 }),
    })
    if (response.status !== 200) throw new Broken(`CreateStream: ${response.status} ${await response.text()}`)
  }

  kill(): Promise<unknown> {
    this.server.child.kill('SIGKILL')
    return this.server.stop()
  }
}
