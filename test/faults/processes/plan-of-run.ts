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
const others = [pause, end, second, cleaners, ...(whyNoClock === undefined ? [leap] : [])]
const ofVolumes: Record<PlaceKind, readonly Fault[]> = {
  folder: [],
  memory: [full, startReadOnly],
  disk: [full, readOnly],
}

/** Runs of a build: seeds of so many in a row go through every fault, whichever is the first. */
export const runs = 8

/** Every fault that a place of this kind can bear. */
export const everyFaultOf = (kind: PlaceKind): Fault[] => [
  killAtInstant,
  ...kills,
  ...stores,
  ...damages,
  ...others,
  ...ofVolumes[kind],
]

/** `count` of a list, another stretch of it for each turn, so that turns in a row go through all of it. */
function stretch<T>(list: readonly T[], turn: number, count: number): T[] {
  return Array.from({ length: count }, (_, at) => list[(turn * count + at) % list.length]!)
}

/** The faults of a run, in a random order. */
export function faultsOf(seed: number, random: Random, kind: PlaceKind): Fault[] {
  const volume = ofVolumes[kind]
  const faults = [
    killAtInstant,
    ...stretch(kills, seed, 5),
    ...stretch(stores, seed, 9),
    ...stretch(damages, seed, 1),
    ...stretch(others, seed, 2),
    // Seeds in a row take turns on the two kinds of volumes.
    ...(volume.length > 0 ? stretch(volume, Math.floor(seed / 2), 1) : [killAtInstant]),
  ]
  for (let at = faults.length - 1; at > 0; at--) {
    const other = random(at + 1)
    ;[faults[at], faults[other]] = [faults[other]!, faults[at]!]
  }
  return faults
}
