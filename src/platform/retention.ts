import type { EpochLog } from '../lake/index.ts'

/**
 * The first offset of each topic partition that the log must keep: what is not yet landed, or not yet cleaned as a
 * stream.
 *
 * @param landed newest land that is in the lake
 * @param cleaned epoch up to which every stream has cleaned
 */
export function keepFrom(
  epochs: EpochLog,
  landed: number,
  cleaned: number,
): (topic: string, partition: number) => number {
  const safe = epochs.landBefore(Math.min(landed, cleaned))
  const ends = new Map((safe?.ends ?? []).map(({ topic, partition, to }) => [`${topic}/${partition}`, to]))
  return (topic, partition) => ends.get(`${topic}/${partition}`) ?? 0
}
