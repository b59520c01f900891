import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cleaningPaths } from '../../src/clean/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { Engine } from '../../src/table/index.ts'
import { deliveries, type Plan, plans } from './plan.ts'
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

/** Act out a plan, to the end; @returns the world and what it holds */
async function act(plan: Plan, dataset: Dataset, check: (world: World) => Promise<void>): Promise<void> {
  const { partitions, segmentBytes } = plan
  const world = await World.open({ engine, dataset, partitions, segmentBytes })
  try {
    await plan.act(world)
    await check(world)
  } finally {
    await world.close()
  }
}

async function expectAllRight(world: World): Promise<void> {
  const expected = world.expected()
  for (const path of cleaningPaths) expect({ path, ...(await world.found(path)) }).toEqual({ path, ...expected })
  const verified = await world.verify()
  expect(verified.checks.filter(({ ok }) => !ok)).toEqual([])
}

test('stream and batch agree row for row with the rules, for any split into requests, epochs, landings and groups, and any crash', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries(), plans(), async (delivery, plan) => {
      await act(plan.of(delivery), thing, expectAllRight)
    }),
    { numRuns: 100 },
  )
})
