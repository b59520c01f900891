import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { cleaningPaths } from '../../src/clean/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { expectAllRight, expectVerified } from './check.ts'
import { useWorlds } from './engine.ts'
import { act, type Delivery, deliveries, type Plan, plans } from './plan.ts'
import { thing } from './things.ts'
import type { World } from './world.ts'

/** A busy machine takes its time. */
vi.setConfig({ testTimeout: 240_000 })

const inWorld = useWorlds()
const partitions = 2
const segmentBytes = fc.constantFrom(1, 1_000_000)

/** Act a plan out for a dataset, and compare all that comes of it with the rules. */
function tablesFollowTheRules(dataset: Dataset, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(
    deliveries({ byKey: false, partitions }),
    plans,
    segmentBytes,
    (delivery, plan, segmentBytes) =>
      inWorld({ dataset, partitions, segmentBytes }, async (world) => {
        await act(world, plan, delivery)
        await expectAllRight(world)
      }),
  )
  return fc.assert(property, { numRuns: Number(process.env.MODEL_RUNS ?? numRuns) })
}

test('tables follow from the order of the records alone, whatever the splits, repeats and mishaps on the way', async () => {
  await tablesFollowTheRules(thing, 100)
})

test('the same where the last of a key wins', async () => {
  await tablesFollowTheRules({ ...thing, onDuplicate: 'last' }, 12)
})

test('the same without a key', async () => {
  await tablesFollowTheRules({ ...thing, key: [] }, 6)
})

test('the same for a key of two columns', async () => {
  await tablesFollowTheRules({ ...thing, key: ['t', 'id'] }, 6)
})

test('two splits of the same records end in the same tables, where each key stays in one partition', async () => {
  const holds = async (plan: Plan, delivery: Delivery) => {
    const held: unknown[] = []
    await inWorld({ partitions }, async (world) => {
      await act(world, plan, delivery)
      for (const path of cleaningPaths) held.push(withoutEpochs(await world.found(path)))
    })
    return held
  }
  await fc.assert(
    fc.asyncProperty(deliveries({ byKey: true, partitions }), plans, plans, async (delivery, one, other) => {
      expect(await holds(one, delivery)).toEqual(await holds(other, delivery))
    }),
    { numRuns: Number(process.env.MODEL_RUNS ?? 8) },
  )
})

test('a rebuild makes the same tables again', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries({ byKey: false, partitions }), plans, (delivery, plan) =>
      inWorld({ partitions }, async (world) => {
        await act(world, plan, delivery)
        for (const path of cleaningPaths) await (await world.cleaner(path)).rebuild()
        await expectAllRight(world)
        await expectVerified(world)
      }),
    ),
    { numRuns: Number(process.env.MODEL_RUNS ?? 5) },
  )
})

function withoutEpochs({ rows, quarantined, account }: Awaited<ReturnType<World['found']>>) {
  const places = quarantined.map((text) => JSON.stringify((JSON.parse(text) as unknown[]).slice(1)))
  return { rows, quarantined: places.sort(), account }
}
