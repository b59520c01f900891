import type { Dataset } from '../../../src/pipeline/index.ts'
import { type Draft, forms, type Sample, sampleOf, thing, topics } from '../../model/things.ts'
import type { Chance } from './chance.ts'

/** What a seed decides before anything happens: limits so small that what is rare elsewhere is common here. */
export interface Settings {
  /** Whether records go on from the lake's door into tables. */
  cleans: boolean
  /** Whether `verify` recounts the tables in the end. */
  verifies: boolean
  /** Whether the log is the one on disk. */
  embedded: boolean
  workers: readonly string[]
  partitions: number
  dataset: Dataset
  take: { ageMs: number; recordsMax: number; bytesMax: number }
  land: { ageMs: number; bytesMax: number; flushSize: number }
  groups: { recordsMax: number; bytesMax: number }
  /** Decisions with faults. */
  decisions: number
  /** How often an operation fails, and how often the rest of it happens, for each decision. */
  rates: {
    failure: number
    crash: number
    jump: number
    sleep: number
    rebuild: number
    optimize: number
    /** That the one who acted last goes on. */
    sticky: number
  }
  sent: { topic: string; partition: number; samples: Sample[] }[]
}

/** So many seeds of ten go all the way into tables; one in so many uses the log on disk. */
const cleaningOfTen = 2
const embeddedEvery = 40

export function settingsOf(seed: number, chance: Chance): Settings {
  const cleans = seed % 10 < cleaningOfTen
  const partitions = chance.pick([1, 1, 2])
  const often = (...rates: number[]): number => chance.pick([0, ...rates])
  return {
    cleans,
    verifies: cleans && chance.is(0.15),
    embedded: seed % embeddedEvery === 1,
    workers: chance.pick([['a', 'b'], ['a', 'b'], ['a', 'b', 'c'], ['a']]),
    partitions,
    dataset: datasetOf(chance),
    take: {
      ageMs: chance.pick([0, 250]),
      recordsMax: chance.pick([1, 2, 1_000]),
      bytesMax: chance.pick([1, 60, 1_000_000]),
    },
    land: {
      ageMs: chance.pick([0, 5_000]),
      bytesMax: chance.pick([1, 100, 1_000_000]),
      flushSize: chance.pick([1, 2, 100]),
    },
    groups: { recordsMax: chance.pick([1, 2, 5, 1_000]), bytesMax: chance.pick([25, 1_000_000]) },
    decisions: cleans ? 60 + chance.below(120) : 80 + chance.below(220),
    rates: {
      failure: often(0.02, 0.1, 0.3),
      crash: often(0.005, 0.02),
      jump: often(0.02, 0.05),
      sleep: often(0.01, 0.03),
      rebuild: often(0.05),
      optimize: often(0.05),
      sticky: often(0.5, 0.9),
    },
    sent: sentOf(chance, partitions, cleans ? 5 : 12),
  }
}

function datasetOf(chance: Chance): Dataset {
  const onDuplicate = chance.pick(['first', 'first', 'last'] as const)
  return { ...thing, onDuplicate, key: chance.pick([['id'], ['id'], ['id'], ['t', 'id'], []]) }
}

/** Requests of a few records of few keys, so that repeats are common. */
function sentOf(chance: Chance, partitions: number, most: number): Settings['sent'] {
  return Array.from({ length: 1 + chance.below(most) }, () => ({
    topic: chance.pick(topics),
    partition: chance.below(partitions),
    samples: Array.from({ length: 1 + chance.below(3) }, () => sampleOf(chance.pick(drafts))),
  }))
}

/** Few records say most: the engine need not be asked anew for every seed. */
const drafts: readonly Draft[] = [
  ...[0, 1, 2].flatMap((id) => ['a', 'none'].map((t, n) => ({ id, n, t, form: 'plain' as const }))),
  ...[0, 1].flatMap((n) => ['a', '日本 😀'].map((t) => ({ id: 0, n, t, form: 'plain' as const }))),
  ...[0, 0].flatMap(() => [0, 1].map((id) => ({ id, n: 0, t: 'a', form: 'plain' as const }))),
  ...forms.map((form, at) => ({ id: at % 2, n: 0, t: 'a', form })),
]
