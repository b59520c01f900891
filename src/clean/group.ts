import type { Epoch, EpochLog } from '../lake/index.ts'

export interface GroupLimits {
  recordsMax: number
  bytesMax: number
}

/** Epochs that are cleaned together, in order. */
export interface Group {
  epochs: Epoch[]
  /** The last epoch covered. */
  to: number
}

/**
 * The next epochs after `after`, whole, that fit the limits (at least one); undefined when there are none.
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
  for await (const epoch of epochs.epochsAfter(after)) {
    if (landed !== undefined && (epoch.land === undefined || epoch.land > landed)) break
    const last = group.at(-1)
    const landingEnds = last !== undefined && last.land !== epoch.land
    if (landed === undefined && landingEnds) break
    const ranges = epoch.ranges.filter(({ topic }) => topics.has(topic))
    records += ranges.reduce((sum, range) => sum + range.count, 0)
    bytes += ranges.reduce((sum, range) => sum + range.bytes, 0)
    if (last && (records > limits.recordsMax || bytes > limits.bytesMax)) {
      return landed !== undefined && !landingEnds ? atLandingEnd(group) : groupOf(group)
    }
    group.push(epoch)
  }
  return group.length > 0 ? groupOf(group) : undefined
}

/** The group without the landing it would cut in two, unless that is all there is. */
function atLandingEnd(group: Epoch[]): Group {
  const cut = group.at(-1)?.land
  const whole = group.filter(({ land }) => land !== cut)
  return groupOf(whole.length > 0 ? whole : group)
}

function groupOf(epochs: Epoch[]): Group {
  return { epochs, to: epochs.at(-1)?.epoch ?? 0 }
}
