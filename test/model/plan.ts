import fc from 'fast-check'
import { type CleaningPath, cleaningPaths } from '../../src/clean/index.ts'
import type { Death } from './mortal-store.ts'
import { type Draft, forms, type Sample, sampleOf, topics } from './things.ts'
import type { Limits, World } from './world.ts'

/** Records in the order in which they are sent, each to its topic partition. */
export type Delivery = { topic: string; partition: number; sample: Sample }[]

/** What happens; `again` is how many records later a record is delivered once more. */
type Step =
  | { do: 'append'; count: number }
  | { do: 'take'; recordsMax: number; order: number }
  | { do: 'land'; flushSize: number }
  | { do: 'sink'; death?: Death }
  | { do: 'clean'; path: CleaningPath; limits: Limits; death?: Death }
  | { do: 'rebuild'; path: CleaningPath; death?: Death }
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
 * Records of few keys, so that repeats are common.
 *
 * @param byKey all records of a key go to one topic partition
 */
export function deliveries({ byKey, partitions }: { byKey: boolean; partitions: number }): fc.Arbitrary<Delivery> {
  const record = fc.record({
    draft,
    place: fc.integer({ min: 0, max: 2 * partitions - 1 }),
    again: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  })
  return fc.array(record, { minLength: 1, maxLength: 16 }).map((records) => {
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
const death = fc.option(fc.record({ put: fc.integer({ min: 1, max: 4 }), effect: fc.boolean() }), {
  nil: undefined,
  freq: 2,
})
const limits = fc.record({
  recordsMax: fc.constantFrom(1, 2, 5, 1_000),
  bytesMax: fc.constantFrom(25, 1_000_000),
})

type Weighted = { weight: number; arbitrary: fc.Arbitrary<Step> }
const step = (weight: number, arbitrary: fc.Arbitrary<unknown>): Weighted => ({
  weight,
  arbitrary: arbitrary.map((value) => JSON.parse(JSON.stringify(value)) as Step),
})
const doing = <T>(name: Step['do'], rest: Record<string, fc.Arbitrary<T>>) =>
  fc.record({ do: fc.constant(name), ...rest })

/** Any steps in any order. */
export const plans: fc.Arbitrary<Plan> = fc.array(
  fc.oneof(
    step(5, doing<unknown>('append', { count: fc.integer({ min: 1, max: 8 }) })),
    step(
      5,
      doing<unknown>('take', { recordsMax: fc.constantFrom(1, 2, 100), order: fc.integer({ min: 0, max: 3 }) }),
    ),
    step(3, doing<unknown>('land', { flushSize: fc.constantFrom(1, 2, 100) })),
    step(3, doing<unknown>('sink', { death })),
    step(6, doing<unknown>('clean', { path, limits, death })),
    step(1, doing<unknown>('rebuild', { path, death })),
    step(1, doing<unknown>('crash', { path, dropIndex: fc.boolean() })),
    step(1, doing<unknown>('optimize', { path, kind: fc.constantFrom('data', 'quarantine') })),
    step(1, doing<unknown>('restart', {})),
    step(1, doing<unknown>('forget', {})),
    step(1, doing<unknown>('verify', {})),
  ),
  { maxLength: 24 },
)

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
      return world.sink(step.death)
    case 'clean':
      return world.clean(step.path, step.limits, step.death)
    case 'rebuild':
      return world.clean(step.path, { recordsMax: 2, bytesMax: 1_000_000 }, step.death, true)
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
