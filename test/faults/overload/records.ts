import { join } from 'node:path'
import { loadPipeline } from '../../../src/pipeline/index.ts'
import { root } from '../../e2e/pinflow.ts'
import type { Request } from './tally.ts'

export const datasets = ['pin', 'geo', 'user'] as const
export type Dataset = (typeof datasets)[number]

const templates = 500

/** Gives out good records, each with a key of its own. */
export class Records {
  readonly #rows: Record<Dataset, string[]>
  #next = 1_000_000

  private constructor(rows: Record<Dataset, string[]>) {
    this.#rows = rows
  }

  static async open(): Promise<Records> {
    const pipeline = await loadPipeline(join(root, 'pipelines', 'pinterest'), { id: 'demo' })
    const source = await pipeline.source?.()
    if (!source) throw new Error('the packaged pipeline makes no rows')
    const all = Array.from({ length: templates }, (_, index) => source.row(index))
    // What follows the key, which comes first.
    const rest = (dataset: Dataset) =>
      all.flatMap((row) => /^\{"(?:index|ind)":\d+(,.*)$/s.exec(row[dataset] ?? '')?.[1] ?? [])
    return new Records({ pin: rest('pin'), geo: rest('geo'), user: rest('user') })
  }

  next(dataset: Dataset): string {
    const place = this.#next++
    return `{"${dataset === 'pin' ? 'index' : 'ind'}":${place}${this.#rows[dataset][place % this.#rows[dataset].length]}`
  }

  /** Bodies with good records, by turns for each dataset and door. */
  requests(count: number, records: number, first = 0): Request[] {
    return Array.from({ length: count }, (_, place) => {
      const at = first + place
      const dataset = datasets[at % datasets.length]!
      const door = at % 2 === 0 ? 'kafka-rest' : 'api-gateway'
      const body = Buffer.from(
        door === 'kafka-rest' ? this.produce(dataset, records) : this.put(dataset, records),
      )
      return { dataset, door, body, records }
    })
  }

  /** A request with one record of about so many bytes. */
  large(bytes: number): Request {
    const record = `${this.next('pin').slice(0, -1)},"padding":"${'x'.repeat(bytes)}"}`
    const body = Buffer.from(`{"records":[{"value":${record}}]}`)
    return { dataset: 'pin', door: 'kafka-rest', body, records: 1 }
  }

  /** As a body of the Kafka REST door. */
  produce(dataset: Dataset, count: number): string {
    return `{"records":[${Array.from({ length: count }, () => `{"value":${this.next(dataset)}}`).join(',')}]}`
  }

  /** As a body of the API Gateway door. */
  put(dataset: Dataset, count: number): string {
    const entries = Array.from(
      { length: count },
      (_, at) => `{"data":${this.next(dataset)},"partition-key":"${at}"}`,
    )
    return `{"records":[${entries.join(',')}]}`
  }
}
