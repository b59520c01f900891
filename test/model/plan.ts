import fc from 'fast-check'
import { type CleaningPath, cleaningPaths } from '../../src/clean/index.ts'
import type { Mishap } from './mortal-store.ts'
import { type Draft, forms, type Sample, sampleOf, topics } from './things.ts'
import type { Limits, World } from './world.ts'

/** Records in the order in which they are sent, each to its topic partition. */
export type Delivery = { topic: string; partition: number; sample: Sample }[]

type Step =
  | { do: 'append'; count: number }
  | { do: 'take'; recordsMax: number; order: number }
  | { do: 'land'; flushSize: number }
  | { do: 'sink'; mishap: Mishap | undefined }
  | { do: 'clean'; path: CleaningPath; limits: Limits; mishap: Mishap | undefined }
  | { do: 'rebuild'; path: CleaningPath; mishap: Mishap | undefined }
  | { do: 'restore'; path: CleaningPath; share: number; mishap: Mishap | undefined }
  | { do: 'resume'; path: CleaningPath; mishap: Mishap | undefined }
  | { do: 'crash'; path: CleaningPath; dropIndex: boolean }
  | { do: 'optimize'; path: CleaningPath; kind: 'data' | 'quarantine' }
  | { do: 'restart' }
  | { do: 'forget' }
  | { do: 'verify' }

export type Plan = readonly Step[]

const draft: fc.Arbitrary<Draft> = fc.record({
  id: fc.integer({ min: 0, max: 3 }),
  n: fc.integer({ min: 0, max: 1 }),
  t: fc.constantFrom('a', 'a', 'none', '', 'no "b"\n', '日本 😀', '\u0000'),
  form: fc.oneof(
    { weight: 2, arbitrary: fc.constant('plain' as const) },
    { weight: 1, arbitrary: fc.constantFrom(...forms) },
  ),
})

/**
 * Records of few keys, so that repeats are common; some are delivered once more, a number of records later.
 *
 * @param byKey all records of a key go to one topic partition
 */
export function deliveries({
  byKey,
  partitions,
}: {
  byKey: boolean
  partitions: number
}): fc.Arbitrary<Delivery> {
  const record = fc.record({
    draft,
    place: fc.integer({ min: 0, max: 2 * partitions - 1 }),
    again: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  })
  return fc.array(record, { minLength: 1, maxLength: 12 }).map((records) => {
    const order: { at: number; topic: string; partition: number; sample: Sample }[] = []
    for (const [at, { draft, place, again }] of records.entries()) {
      const number = byKey ? (draft.id * 3) % (2 * partitions) : place
      const sent = {
        topic: topics[number % 2] ?? topics[0],
        partition: Math.floor(number / 2),
        sample: sampleOf(draft),
      }
      order.push({ at, ...sent })
      if (again !== undefined) order.push({ at: at + again - 0.5, ...sent })
    }
    return order.sort((a, b) => a.at - b.at).map(({ at: _, ...sent }) => sent)
  })
}

const path = fc.constantFrom(...cleaningPaths)
const mishap = fc.option(
  fc.record({ put: fc.integer({ min: 1, max: 4 }), effect: fc.boolean(), survived: fc.boolean() }),
  {
    nil: undefined,
    freq: 2,
  },
)
const limits = fc.record({
  recordsMax: fc.constantFrom(1, 2, 5, 1_000),
  bytesMax: fc.constantFrom(25, 1_000_000),
})

const append = fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 8 }) })
const takeSome = fc.record({
  do: fc.constant('take' as const),
  recordsMax: fc.constantFrom(1, 2, 100),
  order: fc.integer({ min: 0, max: 3 }),
})
const land = fc.record({ do: fc.constant('land' as const), flushSize: fc.constantFrom(1, 2, 100) })
const sink = fc.record({ do: fc.constant('sink' as const), mishap })
const disturbance: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('rebuild' as const), path, mishap }),
  fc.record({
    do: fc.constant('restore' as const),
    path,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    mishap,
  }),
  fc.record({ do: fc.constant('resume' as const), path, mishap }),
  fc.record({ do: fc.constant('crash' as const), path, dropIndex: fc.boolean() }),
  fc.record({ do: fc.constant('optimize' as const), path, kind: fc.constantFrom('data', 'quarantine') }),
  fc.constant({ do: 'restart' as const }),
  fc.constant({ do: 'forget' as const }),
  fc.constant({ do: 'verify' as const }),
)
const cleaning: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('clean' as const), path, limits, mishap }) },
  { weight: 1, arbitrary: disturbance },
)

/** Something arrives, is taken, and lands perhaps; then a few things happen to it. Steps may find nothing to do. */
const wave: fc.Arbitrary<Step[]> = fc
  .tuple(
    append,
    fc.array(takeSome, { maxLength: 2 }),
    fc.option(fc.tuple(land, sink), { nil: [] }),
    fc.array(cleaning, { maxLength: 2 }),
  )
  .map(([first, ...rest]) => [first, ...rest.flat()])

export const plans: fc.Arbitrary<Plan> = fc.array(wave, { maxLength: 3 }).map((waves) => waves.flat())

/** Act a plan out; what it leaves undone is done in the end. */
export async function act(world: World, plan: Plan, delivery: Delivery): Promise<void> {
  const waiting = [...delivery]
  for (const step of plan) await take(world, step, waiting)
  await send(world, waiting)
  await world.finish()
}

async function take(world: World, step: Step, waiting: Delivery): Promise<unknown> {
  switch (step.do) {
    case 'append':
      return send(world, waiting.splice(0, step.count))
    case 'take':
      return world.take(step.recordsMax, step.order)
    case 'land':
      return world.land(step.flushSize)
    case 'sink':
      return world.sink(step.mishap)
    case 'clean':
      return world.clean(step.path, step.limits, step.mishap)
    case 'rebuild':
      return world.clean(step.path, { recordsMax: 2, bytesMax: 1_000_000 }, step.mishap, true)
    case 'restore':
      return world.restore(step.path, step.share, step.mishap)
    case 'resume':
      return world.resume(step.path, step.mishap)
    case 'crash':
      return world.crash(step.path, step.dropIndex)
    case 'optimize':
      return world.optimize(step.path, step.kind)
    case 'restart':
      return world.restart()
    case 'forget':
      return world.forget()
    case 'verify': {
      const { checks } = await world.verify()
      const failed = checks.filter(({ ok }) => !ok)
      if (failed.length > 0) throw new Error(`verify: ${JSON.stringify(failed)}`)
    }
  }
}

/** One request for each topic partition. */
async function send(world: World, records: Delivery): Promise<void> {
  const requests = new Map<string, Delivery>()
  for (const record of records) {
    const key = `${record.topic}/${record.partition}`
    requests.set(key, [...(requests.get(key) ?? []), record])
  }
  for (const [first, ...rest] of requests.values()) {
    if (first)
      await world.append(
        first.topic,
        first.partition,
        [first, ...rest].map(({ sample }) => sample),
      )
  }
}
