import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { PipelineError } from '../../src/core/index.ts'
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type GatewayParts,
  type Judge,
} from '../../src/gateway/index.ts'
import { type Append, EmbeddedLog, type Log } from '../../src/log/index.ts'

export interface OpenGateway {
  url: string
  port: number
  log: Log
  gateway: Gateway
  logged: object[]
  /** Values of a topic partition as text; null where they are null. */
  values(topic: string, partition?: number): (string | null)[]
}

export interface Setting {
  options?: Partial<GatewayOptions>
  judge?: Judge
  onRefused?: NonNullable<GatewayParts['onRefused']>
  /** Stands between gateway and log. */
  wrap?: (log: Log) => Log
}

/** A gateway on a free port over a log of its own; both are gone when the test ends. */
export async function openGateway({
  options = {},
  judge,
  onRefused,
  wrap = (log) => log,
}: Setting = {}): Promise<OpenGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'))
  const embedded = await EmbeddedLog.open(folder, {
    recordBytesMax: 2 ** 21,
    segmentBytes: 2 ** 30,
    segmentAgeMs: 86_400_000,
    freeBytesMin: 0,
  })
  const logged: object[] = []
  const log = wrap(embedded)
  const gateway = createGateway({
    log,
    options: { port: 0, ...options },
    ...(judge ? { judge } : {}),
    ...(onRefused && { onRefused }),
    logger: { error: (fields) => logged.push(fields) },
  })
  const { url } = await gateway.listen()
  onTestFinished(async () => {
    await gateway.close()
    await embedded.close()
    await rm(folder, { recursive: true })
  })
  return {
    url,
    port: Number(new URL(url).port),
    log: embedded,
    gateway,
    logged,
    values: (topic, partition = 0) =>
      embedded
        .read(topic, partition, 0, { records: 1e6, bytes: 1e9 })
        .map(({ value }) => value?.toString() ?? null),
  }
}

/** The log, but appends go through `append`. */
export function withAppend(log: Log, append: (given: Append, real: Log) => ReturnType<Log['append']>): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name === 'append') return (given: Append) => append(given, target)
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** A log whose appends fail with a code, on every partition or on one. */
export function failing(code: ConstructorParameters<typeof PipelineError>[0], partition?: number) {
  return (log: Log) =>
    withAppend(log, async (given, real) => {
      if (partition !== undefined && given.partition !== partition) return real.append(given)
      throw new PipelineError(code, 'the log in /secret/path failed')
    })
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are compared, not used
  json: any
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: response.status, headers: response.headers, text, json }
}

export const jsonType = 'application/vnd.kafka.json.v2+json'
export const binaryType = 'application/vnd.kafka.binary.v2+json'

export function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer> | object,
  type?: string,
): Promise<Answer> {
  const content =
    typeof body === 'string' || body instanceof Uint8Array
      ? Buffer.from(body)
      : Buffer.from(JSON.stringify(body))
  return call(url, {
    method: 'POST',
    body: content,
    headers: type === undefined ? {} : { 'content-type': type },
  })
}

/** Send bytes as they are, on a connection of their own, and read until the server ends it. */
export function raw(port: number, ...parts: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const received: Buffer[] = []
    socket.on('data', (part: Buffer) => received.push(part))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(received).toString()))
    for (const part of parts) socket.write(part)
  })
}
