import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cleaningPaths } from '../../src/clean/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { Engine } from '../../src/table/index.ts'
import { act, type Delivery, deliveries, type Plan, plans } from './plan.ts'
import { thing } from './things.ts'
import { World } from './world.ts'

let engine: Engine
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-model-'))
  engine = await Engine.open({ memoryBytes: 2 ** 28, threads: 1, temporaryFolder: folder })
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

interface Setting {
  dataset?: Dataset
  partitions: number
  segmentBytes: number
}

async function inWorld<T>(
  { dataset = thing, ...setting }: Setting,
  action: (world: World) => Promise<T>,
): Promise<T> {
  const world = await World.open({ engine, dataset, ...setting })
  try {
    return await action(world)
  } finally {
    await world.close()
  }
}

/** Tables, quarantines and accounts are as the rules say, and `verify` finds nothing wrong. */
async function expectAllRight(world: World): Promise<void> {
  const expected = world.expected()
  for (const path of cleaningPaths) expect({ path, ...(await world.found(path)) }).toEqual({ path, ...expected })
  const { checks } = await world.verify()
  expect(checks.filter(({ ok }) => !ok)).toEqual([])
}

async function actAndCheck(setting: Setting, plan: Plan, delivery: Delivery): Promise<void> {
  await inWorld(setting, async (world) => {
    await act(world, plan, delivery)
    await expectAllRight(world)
  })
}

const segmentBytes = fc.constantFrom(1, 1_000_000)

test('tables follow from the order of the records alone, whatever the splits, repeats and crashes on the way', async () => {
  const numRuns = Number(process.env['RUNS'] ?? 100)
  await fc.assert(
    fc.asyncProperty(
      deliveries({ byKey: false, partitions: 2 }),
      plans,
      segmentBytes,
      async (delivery, plan, segmentBytes) => {
        await actAndCheck({ partitions: 2, segmentBytes }, plan, delivery)
      },
    ),
    { numRuns },
  )
})
