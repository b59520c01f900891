import { expect, test } from 'vitest'
import { randomOf } from '../e2e/load.ts'
import type { PlaceKind } from '../faults/processes/place.ts'
import { everyFaultOf, faultsOf, runs } from '../faults/processes/plan-of-run.ts'

const faultsOfABuild = (first: number, volumes: readonly PlaceKind[]) =>
  Array.from({ length: runs }, (_, at) => first + at).flatMap((seed) =>
    faultsOf(seed, randomOf(seed), volumes[seed % volumes.length]!),
  )

for (const volumes of [['disk', 'memory'], ['disk'], ['memory'], ['folder']] as const) {
  test(`a build on ${volumes.join(' and ')} goes through every fault, whatever its first seed`, () => {
    for (let first = 0; first < 1_000; first++) {
      const done = faultsOfABuild(first, volumes)
      expect(done.length).toBeGreaterThanOrEqual(150)
      const held = new Set(done)
      const missing = volumes.flatMap(everyFaultOf).filter((fault) => !held.has(fault))
      expect(missing.length, `left out with the first seed ${first}`).toBe(0)
    }
  })
}
