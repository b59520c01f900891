import { expect, test } from 'vitest'
import { cleaningPaths } from '../../src/clean/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { expectAllRight, fill, fillLake } from './check.ts'
import { useWorlds } from './engine.ts'
import { thing } from './things.ts'

const inWorld = useWorlds()
const wide = { recordsMax: 1_000, bytesMax: 1_000_000 }

/** The last of a key wins: the same columns, another rule. */
const changed: Dataset = { ...thing, onDuplicate: 'last', definition: 'thing-2' }

test('tables of another definition are not added to; a rebuild brings them over, and they go on', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    for (const path of cleaningPaths) while (await world.clean(path, wide));
    const before = await world.found('stream')
    await world.redefine(changed)
    await fillLake(world, [0, 2], [1, 1])
    for (const path of cleaningPaths) {
      await expect(world.clean(path, wide)).rejects.toMatchObject({
        code: 'DEFINITION_CHANGED',
        retriable: false,
      })
      expect(await world.found(path)).toEqual(before)
      await (await world.cleaner(path)).rebuild()
    }
    await fill(world, [0, 3], [1, -1])
    await world.finish()
    await expectAllRight(world)
  })
})

test.each([
  { put: 1, effect: false, next: thing },
  { put: 1, effect: true, next: thing },
  { put: 2, effect: false, next: changed },
  { put: 2, effect: true, next: thing },
])(
  'a rebuild cut off at put $put ($effect) is finished by the next step, by the definition that holds then',
  async ({ put, effect, next }) => {
    await inWorld({}, async (world) => {
      await fillLake(world, [0, 1], [1, -1])
      await fill(world, [0, 2], [2, -1])
      while (await world.clean('stream', wide));
      await world.clean('stream', wide, { put, effect }, true)
      const { rebuilding } = await (await world.cleaner('stream')).state()
      expect(rebuilding).toBe(put === 1 ? effect : !effect)
      await world.redefine(next)
      await (await world.cleaner('batch')).rebuild()
      await world.finish()
      await expectAllRight(world)
    })
  },
)

test('a rebuild, as a batch, ends where the lake ended when it began, however fast records come', async () => {
  await inWorld({}, async (world) => {
    for (let round = 0; round < 6; round++) await fillLake(world, [round, round + 1], [1, -1])
    const last = world.landed
    // There is more each time that somebody looks.
    const landedAt: number[] = []
    let looks = 0
    Object.defineProperty(world, 'landed', {
      get: () => {
        landedAt.push(Math.min(last, ++looks * 2))
        return landedAt.at(-1)
      },
      set: () => undefined,
    })
    const stream = await world.cleaner('stream')
    await stream.rebuild()
    expect((await stream.state()).dataEpoch).toBeLessThanOrEqual(landedAt[0]!)
    const batch = await world.cleaner('batch')
    while (await batch.step(4));
    expect((await batch.state()).dataEpoch).toBeLessThanOrEqual(4)
    while (await batch.step());
    expect((await batch.state()).dataEpoch).toBeGreaterThan(4)
  })
})

test('nothing is added to tables whose rebuild is not finished', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    while (await world.clean('stream', wide));
    await world.clean('stream', wide, { put: 2, effect: false }, true)
    await fill(world, [2, 1], [3, -1])
    const cleaner = await world.cleaner('stream')
    const { generation } = await cleaner.state()
    expect(await cleaner.step()).toBe(true)
    const finished = await cleaner.state()
    expect(finished.rebuilding).toBe(false)
    expect(finished.generation).toBeGreaterThan(generation + 1)
    expect((await world.found('stream')).account.read).toBe(2)
    await world.finish()
    await expectAllRight(world)
  })
})
