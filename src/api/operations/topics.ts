import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { type LogRecord, PipelineError } from '../../core/index.ts'
import { textOrBase64 } from '../../engine/index.ts'
import { type Context, operation } from './operation.ts'

/** Topics and the records in them. */
export const topicOperations = {
  topics: operation({}, async ({ platform: { log } }) =>
    log.topics().map(({ name, partitions, partitioner }) => ({
      name,
      partitioner,
      partitions: Array.from({ length: partitions }, (_, partition) => ({
        partition,
        ...log.offsets(name, partition),
      })),
    })),
  ),

  deleteTopic: operation(
    { topic: v.string(), confirm: v.string() },
    async ({ platform }, { topic, confirm }) => {
      platform.log.topic(topic)
      if (confirm !== topic)
        throw new PipelineError('REQUEST_INVALID', `to delete topic ${topic}, name it again as confirm`)
      const dataset = platform.pipeline.datasets.find(({ topics }) =>
        topics.some(({ name }) => name === topic),
      )
      return { ...(await platform.deleteTopic(topic)), ...(dataset && { dataset: dataset.name }) }
    },
  ),

  consume: operation({ topic: v.string(), fromBeginning: v.boolean(), follow: v.boolean() }, consume),
} as const

/** What one read brings, and how many of the newest records are shown when none is asked for. */
const page = { records: 500, bytes: 2 ** 18 }
const newestShown = 10
const followPollMs = 100

/** Emit records of a topic: all, or else the newest ten of each partition; with `follow`, then what comes. */
async function consume(
  { platform: { log }, signal, emit }: Context,
  { topic, fromBeginning, follow }: { topic: string; fromBeginning: boolean; follow: boolean },
): Promise<{ records: number }> {
  const { partitions } = log.topic(topic)
  const next = Array.from({ length: partitions }, (_, partition) => {
    const { start, end } = log.offsets(topic, partition)
    return fromBeginning ? start : Math.max(start, end - newestShown)
  })
  let records = 0
  for (;;) {
    let found = false
    for (const [partition, from] of next.entries()) {
      // What retention, or a topic made anew, has left behind is passed over.
      const { start } = log.offsets(topic, partition)
      // As texts: a record keeps the whole request in memory with which it came.
      for (const item of log.read(topic, partition, Math.max(from, start), page).map(shown)) {
        found = true
        records++
        next[partition] = item.offset + 1
        await emit(item)
        if (signal.aborted) return endedAt(records, signal)
      }
    }
    if (signal.aborted) return endedAt(records, signal)
    if (!found && !follow) return { records }
    await sleep(found ? 0 : followPollMs, undefined, { signal }).catch(() => undefined)
  }
}

/** What a reader gave up is no failure; what the platform broke off must not pass for the whole. @throws STOPPING */
function endedAt(records: number, { reason }: AbortSignal): { records: number } {
  if (reason instanceof PipelineError) throw reason
  return { records }
}

function shown({ topic, partition, offset, key, value, headers, timestampMs }: LogRecord) {
  const named = headers.map(([name, content]) => [name, textOrBase64(content)])
  return {
    topic,
    partition,
    offset,
    key: textOrBase64(key),
    value: textOrBase64(value),
    headers: named,
    timestampMs,
  }
}
