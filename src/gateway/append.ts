import { type NewRecord, PipelineError } from '../core/index.ts'
import type { GatewayContext } from './context.ts'
import { failureOf } from './failure.ts'

/** A record and where it goes. */
export interface Placed {
  partition: number
  record: NewRecord
}

/** What became of a record. An error is retriable; the record may then be in the log all the same. */
export type Outcome =
  | { kind: 'appended'; partition: number; offset: number; appendTimeMs: number }
  | { kind: 'failed'; error: PipelineError }

/**
 * Append the records of one request to a topic, those of a partition together and in order, and wait until every
 * partition's are on disk or refused.
 *
 * @returns outcomes in the order of the records, at least one of them `appended`
 * @throws the first partition's error when none took its records
 */
export async function appendRecords(
  { log, onRecordRefused }: GatewayContext,
  topic: string,
  placed: readonly Placed[],
): Promise<Outcome[]> {
  const places = Map.groupBy(placed.keys(), (index) => placed[index]!.partition)
  const outcomes: Outcome[] = new Array(placed.length)
  let firstError: PipelineError | undefined
  let appended = false
  await Promise.all(
    Array.from(places, async ([partition, indexes]) => {
      const records = indexes.map((index) => placed[index]!.record)
      try {
        const { baseOffset, appendTimeMs } = await log.append({ topic, partition, records })
        appended = true
        for (const [place, index] of indexes.entries()) {
          outcomes[index] = { kind: 'appended', partition, offset: baseOffset + place, appendTimeMs }
        }
      } catch (error) {
        if (!(error instanceof PipelineError)) throw error
        firstError ??= error
        for (const index of indexes) outcomes[index] = { kind: 'failed', error }
      }
    }),
  )
  if (!appended && firstError) throw firstError
  if (firstError && onRecordRefused) {
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind !== 'failed') continue
      const { status, message } = failureOf(outcome.error)
      const { value } = placed[index]!.record
      onRecordRefused({ topic, status, code: outcome.error.code, message, ...(value && { body: value }) })
    }
  }
  return outcomes
}

/** The header that tells how many of the records would be quarantined; none when all are good. */
export function quarantineHeader(
  { judge }: GatewayContext,
  topic: string,
  placed: readonly Placed[],
  outcomes: readonly Outcome[],
): Record<string, string> {
  if (!judge) return {}
  const bad = placed.filter(
    ({ record }, index) => outcomes[index]!.kind === 'appended' && judge(topic, record.value),
  )
  return bad.length > 0 ? { 'Pinflow-Quarantine': String(bad.length) } : {}
}
