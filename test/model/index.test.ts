import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'vitest'
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
