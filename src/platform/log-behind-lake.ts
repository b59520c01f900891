import { PipelineError } from '../core/index.ts'
import type { EpochLog, Gap, Range } from '../lake/index.ts'
import type { EmbeddedLog } from '../log/index.ts'

/**
 * A log that ends before what was taken of it, or that is another log, would give out offsets a second time.
 *
 * @param data the folder of both, for the message
 * @throws LOG_BEHIND_LAKE
 */
export function refuseLogBehindLake(log: EmbeddedLog, epochs: EpochLog, data: string): void {
  if (epochs.logId !== undefined && epochs.logId !== log.id) {
    throw new PipelineError(
      'LOG_BEHIND_LAKE',
      `the lake in ${data} was filled from log ${epochs.logId}, and the log there is ${log.id}`,
    )
  }
  for (const { topic, partition, to } of epochs.ends()) {
    const end = endOf(log, topic, partition)
    if (end >= to) continue
    throw new PipelineError(
      'LOG_BEHIND_LAKE',
      `in ${data}, ${topic}/${partition} ends at ${end} in the log, and at ${to} in the lake`,
    )
  }
}

/**
 * Continue with such a log: offsets go on after what the lake holds, and what was taken, has not landed and is not in
 * this log either is entered as lost. Stream tables may hold rows of it; a rebuild makes them agree with the lake.
 *
 * @param landed newest land that is in the lake
 */
export async function adoptLog(log: EmbeddedLog, epochs: EpochLog, landed: number): Promise<void> {
  const why = 'adopted a log that ends before its lake'
  const gaps: Gap[] = []
  for await (const { ranges, land } of epochs.epochsAfter(0)) {
    if (land !== undefined && land <= landed) continue
    for (const range of ranges) {
      const held = log.id === epochs.logId && range.to <= endOf(log, range.topic, range.partition)
      if (!held) gaps.push({ ...gapOf(range), kind: 'lost', why })
    }
  }
  // First of all: were offsets continued before, a log that was left between the two would seem to hold the ranges.
  const entered = epochs.logId === undefined || (await epochs.take(log.id, [], gaps)) !== undefined
  if (!entered) return adoptLog(log, epochs, landed)
  const ends = epochs.ends()
  for (const topic of new Set(ends.map((end) => end.topic))) {
    if (log.topics().some(({ name }) => name === topic)) continue
    const partitions =
      1 + Math.max(...ends.filter((end) => end.topic === topic).map(({ partition }) => partition))
    await log.createTopic(topic, { partitions, partitioner: 'kafka' })
  }
  await log.continueFrom(ends)
}

function gapOf({ topic, partition, from, to, count }: Range): Omit<Gap, 'kind' | 'why'> {
  return { topic, partition, from, to, count }
}

function endOf(log: EmbeddedLog, topic: string, partition: number): number {
  const known = log.topics().some(({ name, partitions }) => name === topic && partition < partitions)
  return known ? log.offsets(topic, partition).end : 0
}
