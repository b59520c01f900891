import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { Engine } from '../../src/engine/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { thing } from './things.ts'
import { World } from './world.ts'

interface Setting {
  dataset?: Dataset
  partitions?: number
  segmentBytes?: number
}

/** Act in a world of its own, which is gone afterwards. */
export type InWorld = (setting: Setting, action: (world: World) => Promise<void>) => Promise<void>

/** Worlds over one engine, which lives as long as the test file. */
export function useWorlds(): InWorld {
  let engine: Engine
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pinflow-model-'))
    engine = await Engine.open({ memoryBytes: 2 ** 29, threads: 1, temporaryFolder: folder })
  })
  afterAll(async () => {
    engine.close()
    await rm(folder, { recursive: true, force: true })
  })
  return async ({ dataset = thing, partitions = 1, segmentBytes = 1_000_000 }, action) => {
    const world = await World.open({ engine, dataset, partitions, segmentBytes })
    try {
      await action(world)
    } finally {
      await world.close()
    }
  }
}
