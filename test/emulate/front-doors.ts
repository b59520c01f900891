import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Dataset, Pipeline } from '../../src/pipeline/index.ts'

/** A request as it came, and what the record in it was. */
export interface Received {
  method: string
  path: string
  contentType: string
  body: string
  atMs: number
}

/** Takes an answer into its own hands; returns false to leave it to the doors. */
export type Inject = (response: ServerResponse, received: Received, number: number) => boolean

export interface FrontDoors {
  url: string
  received: Received[]
  /** Most requests that were open at once. */
  busiest(): number
  close(): Promise<void>
}

/** A server that answers as the two front doors do, each request after `delayMs`. */
export async function openFrontDoors(
  options: { inject?: Inject; delayMs?: number; port?: number } = {},
): Promise<FrontDoors> {
  const { inject, delayMs = 0, port = 0 } = options
  const received: Received[] = []
  let open = 0
  let busiest = 0
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    busiest = Math.max(busiest, ++open)
    response.on('close', () => open--)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url: path = '', headers } = request
    const contentType = headers['content-type'] ?? ''
    const one = { method, path, contentType, body: Buffer.concat(chunks).toString(), atMs: performance.now() }
    received.push(one)
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
    if (inject?.(response, one, received.length - 1)) return
    response.setHeader('content-type', 'application/json').end(accepted(one.method))
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    busiest: () => busiest,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function accepted(method: string): string {
  if (method === 'PUT') return JSON.stringify({ ShardId: 'shardId-000000000000', SequenceNumber: '4965' })
  const offsets = [{ partition: 0, offset: 0, error_code: null, error: null }]
  return JSON.stringify({ offsets, key_schema_id: null, value_schema_id: null })
}

export function dataset(name: string, changes: Partial<Dataset> = {}): Dataset {
  return {
    name,
    topics: [
      { name: `demo.${name}`, partitioner: 'kafka' },
      { name: `streaming-demo-${name}`, partitioner: 'kinesis' },
    ],
    key: ['ind'],
    onDuplicate: 'first',
    schema: { ind: { type: 'integer', from: ['index', 'ind'] } },
    sql: '',
    sqlFile: '',
    tables: { stream: `demo_${name}_table`, batch: `demo_${name}` },
    definition: '',
    ...changes,
  }
}

export function pipelineOf(...datasets: Dataset[]): Pipeline {
  return { name: 'test', folder: '.', datasets, questions: [] }
}
