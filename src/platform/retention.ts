import type { EpochLog } from '../lake/index.ts'

/**
 * The first offset of each topic partition that the log must keep: what is not yet landed, or not yet cleaned as a
 * stream. What is not taken keeps nothing back, but for what was taken of it before.
 *
 * @param landed newest land that is in the lake
 * @param cleaned epoch up to which every stream has cleaned
 * @param isTaken whether a topic is taken
 */
export function keepFrom(
  epochs: EpochLog,
  landed: number,
  cleaned: number,
  isTaken: (topic: string) => boolean,
): (topic: string, partition: number) => number {
  const safe = epochs.landBefore(Math.min(landed, cleaned))
  const ends = new Map((safe?.ends ?? []).map(({ topic, partition, to }) => [`${topic}/${partition}`, to]))
  return (topic, partition) => {
    const end = ends.get(`${topic}/${partition}`) ?? 0
    const isDone = !isTaken(topic) && end >= epochs.position(topic, partition)
    return isDone ? Number.POSITIVE_INFINITY : end
  }
}
