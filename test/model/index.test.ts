import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectAllRight, fill } from './check.ts'
import { useWorlds } from './engine.ts'

const inWorld = useWorlds()

test('an index that matches a copy of the table which went on by itself is not believed', async () => {
  await inWorld({}, async (world) => {
    const folder = (name: string) => join(world.root, name)
    await fill(world, [0, 1])
    while (await world.clean('stream', { recordsMax: 1, bytesMax: 1 }));
    await cp(folder('tables'), folder('copy'), { recursive: true })
    await fill(world, [1, 1])
    await fill(world, [2, 1])
    while (await world.clean('stream', { recordsMax: 9, bytesMax: 1_000 }));
    // The copy reaches the same version with fewer keys.
    await world.crash('stream')
    await rm(folder('tables'), { recursive: true })
    await cp(folder('copy'), folder('tables'), { recursive: true })
    await cp(folder('index'), folder('index of the other'), { recursive: true })
    await world.crash('stream', true)
    await world.clean('stream', { recordsMax: 1, bytesMax: 1 })
    await world.crash('stream')
    await rm(folder('index'), { recursive: true })
    await cp(folder('index of the other'), folder('index'), { recursive: true })
    await world.finish()
    await expectAllRight(world)
  })
})

test('an index that is older than a copy of the table which went on by itself is not believed', async () => {
  await inWorld({}, async (world) => {
    const folder = (name: string) => join(world.root, name)
    await fill(world, [0, 1])
    while (await world.clean('stream', { recordsMax: 1, bytesMax: 1 }));
    await cp(folder('tables'), folder('copy'), { recursive: true })
    for (const key of [1, 2, 3]) await fill(world, [key, 1])
    while (await world.clean('stream', { recordsMax: 9, bytesMax: 1_000 }));
    const { version } = (await (await world.cleaner('stream')).state()).data
    await world.crash('stream')
    await cp(folder('index'), folder('index of the other'), { recursive: true })
    await rm(folder('tables'), { recursive: true })
    await cp(folder('copy'), folder('tables'), { recursive: true })
    await world.crash('stream', true)
    // The copy gets past that version, and lacks a key that the index has.
    for (let step = 0; step < 2; step++) await world.clean('stream', { recordsMax: 1, bytesMax: 1 })
    expect((await (await world.cleaner('stream')).state()).data.version).toBe(version + 1)
    await world.crash('stream')
    await rm(folder('index'), { recursive: true })
    await cp(folder('index of the other'), folder('index'), { recursive: true })
    await world.finish()
    await expectAllRight(world)
  })
})
