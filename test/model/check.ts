import { expect } from 'vitest'
import { cleaningPaths } from '../../src/clean/index.ts'
import { sampleOf } from './things.ts'
import type { World } from './world.ts'

/** Tables, quarantines and accounts are as the rules say, and `verify` finds nothing wrong. */
export async function expectAllRight(world: World): Promise<void> {
  const expected = world.expected()
  for (const path of cleaningPaths)
    expect({ path, ...(await world.found(path)) }).toEqual({ path, ...expected })
  await expectVerified(world)
}

export async function expectVerified(world: World): Promise<void> {
  const { checks } = await world.verify()
  expect(checks.filter(({ ok }) => !ok)).toEqual([])
}

/** Append records as one request, and take them; a negative number makes a bad record. */
export async function fill(world: World, ...records: [id: number, n: number][]): Promise<void> {
  const samples = records.map(([id, n]) =>
    sampleOf({ id, n: Math.max(n, 0), t: 'a', form: n < 0 ? 'negative' : 'plain' }),
  )
  await world.append('things', 0, samples)
  await world.take(100, 0)
}

/** The same, and bring them into the lake. */
export async function fillLake(world: World, ...records: [id: number, n: number][]): Promise<void> {
  await fill(world, ...records)
  await world.land(10)
  await world.sink()
}
