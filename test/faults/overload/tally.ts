import { Broken } from '../campaign.ts'
import type { Answer, Client } from './client.ts'
import type { Dataset } from './records.ts'

/** A request with records of one dataset. */
export interface Request {
  dataset: Dataset
  door: 'kafka-rest' | 'api-gateway'
  body: Buffer
  records: number
}

/** Counts what became of requests, and judges every answer. */
export class Tally {
  /** Records by dataset. */
  readonly acknowledged = new Map<string, number>()
  /** Records whose request had no answer: they are in the log, or not. */
  readonly unanswered = new Map<string, number>()
  accepted = 0
  refused = 0

  /**
   * @returns whether it was accepted
   * @throws Broken for an answer that is none of 200, 429 and 503, or a refusal without Retry-After
   */
  async send(client: Client, { dataset, door, body, records }: Request): Promise<boolean> {
    let answer: Answer
    try {
      answer =
        door === 'kafka-rest'
          ? await client.send('POST', `/topics/demo.${dataset}`, 'application/vnd.kafka.json.v2+json', body)
          : await client.send('PUT', `/streams/streaming-demo-${dataset}/records`, 'application/json', body)
    } catch (error) {
      add(this.unanswered, dataset, records)
      throw error
    }
    const { status, head } = answer
    if (status === 200) {
      if (/"FailedRecordCount":[^0]|"error_code":[^n]/.test(answer.body))
        throw new Broken(`a record of an accepted request failed: ${answer.body.slice(0, 500)}`)
      add(this.acknowledged, dataset, records)
      this.accepted++
      return true
    }
    if ((status !== 429 && status !== 503) || !/\r\nretry-after: \d+/.test(head))
      throw new Broken(`an answer to ${door}: ${head} ${answer.body.slice(0, 500)}`)
    this.refused++
    return false
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count)
}
