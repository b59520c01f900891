import { expect, test } from 'vitest'
import { sealJson } from '../../src/core/index.ts'
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

test('verify tells that a marker names one object twice and another not at all, though lines add up', async () => {
  await inWorld({}, async (world) => {
    for (const id of [0, 1]) {
      await fill(world, [id, 1])
      await world.epochs.take('other log', [])
    }
    await world.land(1)
    await world.finish()
    await expectAllRight(world)
    const marker = await world.landing.marker(world.landed)
    const [first] = marker.objects
    const [{ key } = { key: '' }] = await world.lake.list('_pinflow/model/landed/')
    await world.lake.delete(key)
    await world.lake.putIfAbsent(key, sealJson({ ...marker, objects: [first, first] }))
    const { checks } = await world.verify()
    const failed = checks.filter(({ ok }) => !ok).map(({ detail }) => detail)
    expect(failed).toEqual([expect.stringContaining('has offsets of')])
  })
})

test('verify tells that the log has let go of what is in no lake', async () => {
  await inWorld({ segmentBytes: 1 }, async (world) => {
    await fillLake(world, [0, 1])
    await fillLake(world, [1, 1])
    await world.finish()
    await world.forget()
    await expectVerified(world)
    for (const prefix of ['_pinflow/model/landed/', 'topics/'])
      for (const { key } of await world.lake.list(prefix)) await world.lake.delete(key)
    const { checks } = await world.verify()
    const failed = checks.filter(({ ok }) => !ok).map(({ detail }) => detail)
    expect(failed).toContain('things/0 holds 0 records at 0 to 0, 1 wait there')
  })
})
