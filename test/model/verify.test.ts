import { expect, test } from 'vitest'
import { expectAllRight, expectVerified, fill, fillLake } from './check.ts'
import { useWorlds } from './engine.ts'
import type { World } from './world.ts'

const inWorld = useWorlds()
const wide = { recordsMax: 1_000, bytesMax: 1_000_000 }

async function agreement(world: World): Promise<string> {
  const { checks } = await world.verify()
  return checks.find(({ name }) => name.includes('stream = batch'))?.detail ?? ''
}

test('verify compares at a landing where both tables have a version, though the batch has passed over one', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    while (await world.clean('stream', wide));
    await fillLake(world, [2, 1], [3, -1])
    while (await world.clean('batch', wide));
    await expectVerified(world)
    expect(await agreement(world)).toContain('no landing is in both')
    while (await world.clean('stream', wide));
    await expectVerified(world)
    expect(await agreement(world)).toContain('equal at epoch 3')
    await fillLake(world, [4, 1])
    while (await world.clean('stream', wide));
    expect(await agreement(world)).toContain('equal at epoch 3')
  })
})

test('verify counts a quarantine that is ahead of its table by the epochs of its rows', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    await fillLake(world, [2, 1], [3, -1])
    await world.clean('batch', wide, { put: 2, effect: false })
    await world.clean('batch', { recordsMax: 1, bytesMax: 1 })
    while (await world.clean('stream', wide));
    await expectVerified(world)
    expect(await agreement(world)).toContain('equal at epoch 1')
  })
})

test('verify stands a rebuild that was cut off, and the next step finishes it', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    await fill(world, [2, 1], [3, -1])
    while (await world.clean('stream', wide));
    await world.clean('stream', wide, { put: 2, effect: false }, true)
    const cutOff = await (await world.cleaner('stream')).state()
    expect(cutOff.rebuilding).toBe(true)
    await expectVerified(world)
    await world.clean('stream', wide)
    expect((await (await world.cleaner('stream')).state()).rebuilding).toBe(false)
    await world.finish()
    await expectAllRight(world)
  })
})

test('verify is right about tables that go on while it runs', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    while (await world.clean('stream', wide));
    world.lake.beforeGet = async (key) => {
      if (!key.startsWith('topics/')) return
      world.lake.beforeGet = async () => undefined
      await fillLake(world, [2, 1], [3, -1])
      await fill(world, [4, 1], [5, -1])
      while (await world.clean('stream', wide));
      while (await world.clean('batch', wide));
    }
    await expectVerified(world)
  })
})

test('verify tells that a file is gone', async () => {
  await inWorld({}, async (world) => {
    await fillLake(world, [0, 1], [1, -1])
    await world.finish()
    await expectAllRight(world)
    const { files } = (await (await world.cleaner('batch')).state()).data
    for (const path of files.keys()) await world.tables.delete(`batch/thing/${path}`)
    const { ok, checks } = await world.verify()
    expect(ok).toBe(false)
    expect(checks.some((check) => !check.ok && check.name.startsWith('batch.thing'))).toBe(true)
  })
})
