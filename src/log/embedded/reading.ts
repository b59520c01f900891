/** What can be told of the batches of one partition, given in order. */
import type { LogRecord } from '../../core/index.ts'
import type { Extent } from '../log.ts'
import { decodeRecords } from './batch.ts'
import type { StoredBatch } from './segment.ts'

interface Limit {
  records: number
  bytes: number
}

/** @see Log.read */
export function recordsOf(
  batches: Iterable<StoredBatch>,
  topic: string,
  partition: number,
  from: number,
  limit: Limit,
): LogRecord[] {
  const found: LogRecord[] = []
  let bytes = 0
  for (const batch of batches) {
    for (const record of decodeRecords(batch.content, batch, topic, partition)) {
      if (record.offset < from) continue
      bytes += payloadBytes(record)
      if (found.length > 0 && bytes > limit.bytes) return found
      found.push(record)
      // Before the next batch is looked at: it may be damaged.
      if (found.length >= limit.records) return found
    }
  }
  return found
}

/** What `recordsOf` would give, told from the headers of batches where they lie within it whole. @see Log.extent */
export function extentOf(batches: Iterable<StoredBatch>, from: number, limit: Limit): Extent | undefined {
  let extent: Extent | undefined
  for (const batch of batches) {
    extent ??= { to: from, count: 0, bytes: 0, oldestMs: batch.appendTimeMs }
    const count = extent.count + batch.count
    const bytes = extent.bytes + batch.bytes
    if (batch.baseOffset >= from && count <= limit.records && bytes <= limit.bytes) {
      extent = { ...extent, to: batch.baseOffset + batch.count, count, bytes }
      if (count >= limit.records) return extent
      continue
    }
    for (const record of decodeRecords(batch.content, batch, '', 0)) {
      if (record.offset < from) continue
      const more: number = extent.bytes + payloadBytes(record)
      if (extent.count > 0 && more > limit.bytes) return extent
      extent = { ...extent, to: record.offset + 1, count: extent.count + 1, bytes: more }
      if (extent.count >= limit.records) return extent
    }
  }
  return extent
}

/**
 * @param batchAt the batch that holds an offset, or the next one
 * @see Log.offsetAt
 */
export function offsetAtTime(
  batchAt: (offset: number) => StoredBatch | undefined,
  { start, end }: { start: number; end: number },
  timeMs: number,
): number {
  let low = start
  let high = end
  // Append times never go back: halve the offsets, moving by whole batches.
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const batch = batchAt(middle)
    if (!batch) high = middle
    else if (batch.appendTimeMs < timeMs) low = batch.baseOffset + batch.count
    else high = Math.min(middle, batch.baseOffset)
  }
  return batchAt(low)?.baseOffset ?? end
}

function payloadBytes({ key, value }: LogRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
