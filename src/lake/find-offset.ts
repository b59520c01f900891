import type { Place } from '../core/index.ts'
import type { Gap, Range, Take } from './entry.ts'
import type { Epoch, EpochLog } from './epoch-log.ts'
import type { Landing } from './landing.ts'

/** What the epoch log says of an offset. */
export type FoundOffset =
  | { kind: 'taken'; epoch: Epoch; range: Range }
  /** It is not processed. `timeMs`: when that was entered, where that is easily found. */
  | { kind: 'gap'; gap: Gap; timeMs?: number }

/**
 * The take or the gap that an offset lies in; undefined where it has not been taken yet. A binary search over the lands,
 * each of which says how far every topic partition had been taken: some fifteen entries are read of ten thousand.
 *
 * @throws EPOCHS_DAMAGED, LAKE_DAMAGED
 */
export async function findOffset(
  epochs: EpochLog,
  landing: Landing,
  place: Place,
): Promise<FoundOffset | undefined> {
  const { topic, partition, offset } = place
  const gap = epochs.voids.find((known) => holds(known, place))
  if (gap) return { kind: 'gap', gap }
  if (offset >= epochs.position(topic, partition)) return undefined
  const open = foundIn(epochs.openTakes, place)
  if (open) return open
  const lands = await landing.lands()
  // Lands that are not in the lake yet are few, and mostly in memory.
  for (const land of await epochs.landsAfter(lands.at(-1) ?? 0)) lands.push(land)
  let [low, high] = [0, lands.length - 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const { ends } = await epochs.landEntry(lands[middle]!)
    const end = ends.find((known) => known.topic === topic && known.partition === partition)
    if (end && end.to > offset) high = middle
    else low = middle + 1
  }
  const land = lands[low]
  return land === undefined ? undefined : foundIn((await epochs.landEntry(land)).takes, place, land)
}

function foundIn(takes: readonly Take[], place: Place, land?: number): FoundOffset | undefined {
  for (const take of takes) {
    const range = take.ranges.find((known) => holds(known, place))
    if (range) return { kind: 'taken', epoch: { ...take, ...(land !== undefined && { land }) }, range }
    const gap = take.gaps?.find((known) => holds(known, place))
    if (gap) return { kind: 'gap', gap, timeMs: take.timeMs }
  }
  return undefined
}

function holds(
  stretch: { topic: string; partition: number; from: number; to: number },
  place: Place,
): boolean {
  const isSame = stretch.topic === place.topic && stretch.partition === place.partition
  return isSame && stretch.from <= place.offset && place.offset < stretch.to
}
