import { type LogRecord, PipelineError } from '../core/index.ts'
import type { Log } from '../log/index.ts'

/** What one read of the log brings into memory at most. */
const readLimit = { records: 2_000, bytes: 4 * 2 ** 20 }

/**
 * The records of a range, in order, piece by piece: none is kept in memory by the reader.
 *
 * @throws EPOCHS_DAMAGED when the log holds another number of records there than the epoch log says
 */
export function* readRange(
  log: Log,
  range: { topic: string; partition: number; from: number; to: number; count: number },
): Generator<LogRecord[]> {
  const { topic, partition, to, count } = range
  let next = range.from
  let found = 0
  while (next < to) {
    const read = log.read(topic, partition, next, readLimit)
    const last = read.at(-1)
    if (!last) break
    const records = last.offset < to ? read : read.filter(({ offset }) => offset < to)
    found += records.length
    if (records.length > 0) yield records
    next = last.offset + 1
  }
  if (found === count) return
  const place = `offsets ${range.from} to ${to - 1} of ${topic}/${partition}`
  throw new PipelineError(
    'EPOCHS_DAMAGED',
    `the log holds ${found} records at ${place}, the epoch log says ${count}`,
  )
}
