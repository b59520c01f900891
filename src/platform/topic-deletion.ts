import type { EpochLog, Gap } from '../lake/index.ts'
import type { EmbeddedLog } from '../log/index.ts'

export interface DeletionParts {
  log: EmbeddedLog
  epochs: EpochLog
  isTaken: (topic: string) => boolean
  /** Newest land that is in the lake. */
  landed: () => number
  /** Write to the epoch log while nobody else here does. */
  enter: <T>(action: () => Promise<T>) => Promise<T>
  /** Take and land what waits, soon. @throws what keeps it from happening */
  hurry: () => Promise<void>
}

/** What was deleted. */
export interface DeletedTopic {
  topic: string
  /** Records that were in no take yet, and never will be. */
  skipped: number
}

/**
 * Delete a topic: no append any more; an entry of the epoch log that skips what no take names yet; the landing of what
 * one does; then the topic is taken out of the log. Cut off in between, the topic is still there and goes on after what
 * was skipped, and can be deleted again.
 *
 * @throws TOPIC_UNKNOWN, and what keeps the epoch log from being written or the lake from being filled
 */
export async function deleteTopic(name: string, parts: DeletionParts): Promise<DeletedTopic> {
  const { log, epochs, isTaken, enter } = parts
  let skipped = 0
  await log.deleteTopic(name, async () => {
    const { partitions } = log.topic(name)
    const wasTaken = Array.from({ length: partitions }, (_, at) => epochs.position(name, at)).some(
      (to) => to > 0,
    )
    if (!wasTaken && !isTaken(name)) return
    skipped = await enter(() => skipWaiting(name, parts))
    while (!hasLanded(name, epochs, parts.landed())) await parts.hurry()
  })
  return { topic: name, skipped }
}

/** @returns how many records */
async function skipWaiting(topic: string, { log, epochs }: DeletionParts): Promise<number> {
  for (;;) {
    const gaps: Gap[] = []
    const { partitions } = log.topic(topic)
    for (let partition = 0; partition < partitions; partition++) {
      const { start, end } = log.offsets(topic, partition)
      const from = epochs.position(topic, partition)
      if (from >= end) continue
      const all = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
      const count = log.extent(topic, partition, Math.max(from, start), all)?.count ?? 0
      // Below the start the log holds nothing any more.
      const gone = Math.max(0, start - from)
      gaps.push({
        topic,
        partition,
        from,
        to: end,
        count: count + gone,
        kind: 'skipped',
        why: 'its topic was deleted',
      })
    }
    const skipped = gaps.reduce((sum, { count }) => sum + count, 0)
    if (gaps.length === 0 || (await epochs.take(log.id, [], gaps)) !== undefined) return skipped
  }
}

function hasLanded(topic: string, epochs: EpochLog, landed: number): boolean {
  const isOpen = epochs.openTakes.some(({ ranges }) => ranges.some((range) => range.topic === topic))
  return !isOpen && landed >= epochs.newestLand
}
