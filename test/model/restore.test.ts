import { expect, test } from 'vitest'
import { cleaningPaths } from '../../src/clean/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { expectAllRight, expectVerified, fill, fillLake } from './check.ts'
import { useWorlds } from './engine.ts'
import { thing } from './things.ts'
import type { World } from './world.ts'

const inWorld = useWorlds()
const wide = { recordsMax: 1_000, bytesMax: 1_000_000 }

/** Three landings, each cleaned before the next: epochs 1, 3 and 5. @returns what the stream held after each */
async function threeLandings(world: World) {
  const held = []
  for (const n of [1, 2, 3]) {
    await fillLake(world, [n, n], [n, -1], [0, n])
    for (const path of cleaningPaths) while (await world.clean(path, wide));
    held.push(await world.found('stream'))
  }
  return held
}

test.each([
  [5, 2],
  [4, 1],
  [3, 1],
  [2, 0],
])('restored to epoch %i, both tables hold what they held then, and stand still', async (epoch, landing) => {
  await inWorld({}, async (world) => {
    const held = await threeLandings(world)
    for (const path of cleaningPaths) {
      const cleaner = await world.cleaner(path)
      expect(await cleaner.restore(await cleaner.restorePoint({ epoch }))).toBe(1 + 2 * landing)
      expect(await world.found(path)).toEqual(held[landing])
      expect(await world.clean(path, wide)).toBe(false)
    }
    await expectVerified(world)
    await world.restart()
    for (const path of cleaningPaths) {
      expect(await world.clean(path, wide)).toBe(false)
      expect(await world.found(path)).toEqual(held[landing])
      expect((await world.cleaner(path)).standing).toMatchObject({
        epoch: 1 + 2 * landing,
        pausedAt: 1 + 2 * landing,
      })
    }
    await fill(world, [0, 3], [7, 7], [8, -1])
    await world.finish()
    await expectAllRight(world)
  })
})

test('restored to a time, it goes back to the newest version that was there', async () => {
  await inWorld({}, async (world) => {
    const held = await threeLandings(world)
    const cleaner = await world.cleaner('stream')
    const [, second] = (await cleaner.pair.data.history(2)).map(({ timestampMs }) => timestampMs)
    await cleaner.restore(await cleaner.restorePoint({ timeMs: second ?? 0 }))
    expect(await world.found('stream')).toEqual(held[1])
    await world.finish()
    await expectAllRight(world)
  })
})

test.each([
  { put: 1, effect: false },
  { put: 1, effect: true },
  { put: 2, effect: false },
  { put: 2, effect: true },
])(
  'a restore cut off at put $put ($effect) has changed nothing, or is finished by the next step',
  async (mishap) => {
    await inWorld({}, async (world) => {
      const held = await threeLandings(world)
      await world.restore('stream', 0.5, mishap)
      const begun = mishap.put > 1 || mishap.effect
      while (await world.clean('stream', wide));
      expect(await world.found('stream')).toEqual(held[begun ? 1 : 2])
      expect((await world.cleaner('stream')).standing?.pausedAt).toBe(begun ? 3 : undefined)
      await world.finish()
      await expectAllRight(world)
    })
  },
)

test('a quarantine that was ahead of its table when restored to stays complete', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    await fillLake(world, [2, 1], [3, -1])
    await world.clean('batch', wide, { put: 2, effect: false })
    await world.clean('batch', { recordsMax: 1, bytesMax: 1 })
    while (await world.clean('batch', wide));
    const cleaner = await world.cleaner('batch')
    expect(await cleaner.restore(await cleaner.restorePoint({ epoch: 1 }))).toBe(1)
    await expectVerified(world)
    await world.finish()
    await expectAllRight(world)
  })
})

test('a version whose files are gone is refused, and nothing is changed', async () => {
  await inWorld({}, async (world) => {
    await threeLandings(world)
    const cleaner = await world.cleaner('stream')
    await world.optimize('stream', 'data')
    const { files } = (await cleaner.pair.data.snapshot(1)) ?? { files: new Map() }
    for (const path of files.keys()) await world.tables.delete(`stream/thing/${path}`)
    const before = await cleaner.state()
    await expect(cleaner.restorePoint({ epoch: 1 })).rejects.toMatchObject({
      code: 'TABLE_VERSION_UNKNOWN',
      message: expect.stringContaining('deleted by vacuum'),
    })
    await expect(cleaner.restorePoint({ timeMs: 0 })).rejects.toMatchObject({ code: 'TABLE_VERSION_UNKNOWN' })
    expect((await cleaner.state()).data.version).toBe(before.data.version)
  })
})

test('tables restored to those of another definition stay paused until they are rebuilt', async () => {
  const changed: Dataset = { ...thing, onDuplicate: 'last', definition: 'thing-2' }
  await inWorld({}, async (world) => {
    const held = await threeLandings(world)
    await world.redefine(changed)
    for (const path of cleaningPaths) await (await world.cleaner(path)).rebuild()
    for (const path of cleaningPaths) {
      const cleaner = await world.cleaner(path)
      await cleaner.restore(await cleaner.restorePoint({ epoch: 4 }))
      expect(await world.found(path)).toEqual(held[1])
      await expect(cleaner.resume()).rejects.toMatchObject({ code: 'DEFINITION_CHANGED' })
      expect(await world.clean(path, wide)).toBe(false)
      await cleaner.rebuild()
    }
    await world.finish()
    await expectAllRight(world)
  })
})
