import type { Epoch, EpochLog } from '../lake/index.ts'

export interface GroupLimits {
  recordsMax: number
  bytesMax: number
}

/** What is cleaned together. */
export interface Group {
  /** Those that hold records of the dataset, in order. */
  epochs: Epoch[]
  /** The last epoch covered, and when it was taken. */
  to: number
  toTimeMs: number
}

/**
 * The next epochs after `after`, whole, that fit the limits (at least one); undefined when there are none. Epochs without
 * a record of the dataset are passed over, however many.
 *
 * A stream's group ends at a landing at the latest, so that its table has a version at every landing. A batch's group
 * holds landed epochs only, may span landings, and ends at one unless a single landing is beyond the limits.
 *
 * @param landed newest land that is in the lake; undefined for a stream, which takes everything
 */
export async function nextGroup(
  epochs: EpochLog,
  after: number,
  topics: ReadonlySet<string>,
  limits: GroupLimits,
  landed: number | undefined,
): Promise<Group | undefined> {
  const group: Epoch[] = []
  let records = 0
  let bytes = 0
  let covered: Epoch | undefined
  for await (const epoch of epochs.epochsAfter(after)) {
    if (landed !== undefined && (epoch.land === undefined || epoch.land > landed)) break
    const last = group.at(-1)
    const landingEnds = last !== undefined && last.land !== epoch.land
    if (landed === undefined && landingEnds) break
    const ranges = epoch.ranges.filter(({ topic }) => topics.has(topic))
    records += ranges.reduce((sum, range) => sum + range.count, 0)
    bytes += ranges.reduce((sum, range) => sum + range.bytes, 0)
    if (last && (records > limits.recordsMax || bytes > limits.bytesMax))
      return landed !== undefined && !landingEnds
        ? atLandingEnd(group, last)
        : groupOf(group, covered ?? last)
    if (ranges.length > 0) group.push(epoch)
    covered = epoch
  }
  return covered && groupOf(group, covered)
}

/** The group without the landing it would cut in two, unless that is all there is. */
function atLandingEnd(group: Epoch[], last: Epoch): Group {
  const whole = group.filter(({ land }) => land !== last.land)
  const end = whole.at(-1)
  return end ? groupOf(whole, end) : groupOf(group, last)
}

function groupOf(epochs: Epoch[], { epoch, timeMs }: Epoch): Group {
  return { epochs, to: epoch, toTimeMs: timeMs }
}
