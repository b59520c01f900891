import { messageOf, PipelineError, type Place } from '../core/index.ts'
import type { Epoch, Gap } from '../lake/index.ts'
import { carries, isKeyOf, type KeyPart, mayHold } from './key.ts'
import type { Tracer } from './parts.ts'

/** A record that carries a key that was sought. */
export interface Hit extends Place {
  value: Buffer | null
}

type Look = (record: Hit & { origin?: { key: Buffer | null } }) => void

/** What is sought: keys by the datasets they are of. */
export type Sought = ReadonlyMap<string, readonly KeyPart[]>

export interface Found {
  /** By dataset, oldest first. */
  hits: Map<string, Hit[]>
  /** Records looked at. */
  records: number
  /** Stretches that are not processed, with the time they were entered. */
  gaps: { gap: Gap; timeMs: number }[]
  /** What could not be read, and why. */
  unread: string[]
}

/** Hits of a dataset beyond these are passed over: the newest are kept. */
const hitsMax = 100
const pageLimit = { records: 2_000, bytes: 4 * 2 ** 20 }

/**
 * Look through every record there is, in log and lake, in any topic, for those that carry keys: a record is parsed only
 * where its bytes may hold one, and none is kept but the hits.
 */
export async function searchRecords(tracer: Tracer, sought: Sought): Promise<Found> {
  const { epochs, log } = tracer.parts
  const found: Found = {
    hits: new Map([...sought.keys()].map((dataset) => [dataset, []])),
    records: 0,
    gaps: [],
    unread: [],
  }
  const look: Look = (record) => {
    found.records++
    const { value, origin } = record
    for (const [dataset, parts] of sought) {
      const may = (value !== null && mayHold(parts, value)) || isKeyOf(parts, origin?.key)
      if (!may || !carries(parts, value, origin?.key)) continue
      const { topic, partition, offset } = record
      const hits = found.hits.get(dataset)!
      hits.push({ topic, partition, offset, value })
      if (hits.length > hitsMax) hits.shift()
    }
  }
  // Where the epochs that were looked through end: what is taken meanwhile is read from the log.
  const ends = new Map<string, number>()
  for await (const epoch of epochs.epochsAfter(0)) {
    for (const gap of epoch.gaps ?? []) found.gaps.push({ gap, timeMs: epoch.timeMs })
    await lookThrough(tracer, epoch, look, found)
    for (const { topic, partition, to } of [...epoch.ranges, ...(epoch.gaps ?? [])])
      ends.set(`${topic}/${partition}`, Math.max(to, ends.get(`${topic}/${partition}`) ?? 0))
  }
  for (const { name: topic, partitions } of log.topics())
    for (let partition = 0; partition < partitions; partition++)
      await lookOn(tracer, { topic, partition, offset: ends.get(`${topic}/${partition}`) ?? 0 }, look)
  return found
}

/** Look through what the log holds of a topic partition from an offset on. */
async function lookOn({ parts }: Tracer, { topic, partition, offset }: Place, look: Look): Promise<void> {
  const { log } = parts
  const { start, end } = log.offsets(topic, partition)
  for (let next = Math.max(start, offset); next < end; ) {
    refuseUnlessWaited(parts)
    const records = log.read(topic, partition, next, pageLimit)
    for (const { key, ...record } of records) look({ ...record, origin: { key } })
    next = (records.at(-1)?.offset ?? end) + 1
    await yieldToOthers()
  }
}

async function lookThrough(tracer: Tracer, epoch: Epoch, look: Look, found: Found): Promise<void> {
  for (const range of epoch.ranges) {
    try {
      const part = { ...epoch, ranges: [range] }
      for await (const records of tracer.reader.read(part, new Set([range.topic]), 'log')) {
        refuseUnlessWaited(tracer.parts)
        for (const record of records) look(record)
        await yieldToOthers()
      }
    } catch (error) {
      if (!(error instanceof PipelineError) || tracer.parts.signal.aborted) throw error
      found.unread.push(`${range.count} records of ${range.topic}/${range.partition}: ${messageOf(error)}`)
    }
  }
}

function refuseUnlessWaited({ signal }: Tracer['parts']): void {
  if (signal.aborted) throw new PipelineError('STOPPING', 'nobody waits for the answer any more')
}

/** Who sends records, or asks something else, is not kept waiting. */
function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
