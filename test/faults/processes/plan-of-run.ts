import type { Fault, Random } from './fault.ts'
import { cleaners } from './kinds/cleaners.ts'
import { leap, whyNoClock } from './kinds/clock.ts'
import {
  commitGone,
  dataFileGone,
  landGone,
  markerGone,
  rawObjectGone,
  segmentTorn,
  valueFlipped,
} from './kinds/damage.ts'
import { end } from './kinds/end.ts'
import { full } from './kinds/full.ts'
import { killAt, killAtInstant } from './kinds/kill.ts'
import { pause } from './kinds/pause.ts'
import { readOnly, startReadOnly } from './kinds/read-only.ts'
import { second } from './kinds/second.ts'
import { store } from './kinds/store.ts'
import type { PlaceKind } from './place.ts'
import { points } from './plan.ts'

const written = points.filter((point) => point !== 'read')
const kills = written.flatMap((point) => [killAt(point, 'kill before'), killAt(point, 'kill after')])
const stores = [
  ...written.flatMap((point) => [store(point, 'fail after'), store(point, 'fail'), store(point, 'delay')]),
  store('read', 'fail'),
  store('read', 'delay'),
]
const damages = [valueFlipped, rawObjectGone, segmentTorn, markerGone, commitGone, dataFileGone, landGone]

/** `count` of a list, another stretch of it for each seed, so that seeds in a row go through all of it. */
function stretch<T>(list: readonly T[], seed: number, count: number): T[] {
  return Array.from({ length: count }, (_, at) => list[(seed * count + at) % list.length]!)
}

/** The faults of a run, in a random order. */
export function faultsOf(seed: number, random: Random, kind: PlaceKind): Fault[] {
  const others = [pause, end, second, cleaners]
  if (whyNoClock === undefined) others.push(leap)
  if (kind !== 'folder') others.push(full)
  if (kind === 'memory') others.push(startReadOnly)
  if (kind === 'disk') others.push(readOnly)
  const faults = [
    killAtInstant,
    ...stretch(kills, seed, 3),
    ...stretch(stores, seed, 3),
    ...stretch(damages, seed, 1),
    ...stretch(others, seed, 4),
  ]
  for (let at = faults.length - 1; at > 0; at--) {
    const other = random(at + 1)
    ;[faults[at], faults[other]] = [faults[other]!, faults[at]!]
  }
  return faults
}
