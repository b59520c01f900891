import { expect, test } from 'vitest'
import { changesOf, kinds, runs } from '../faults/changes/changes-of-run.ts'

test('a build goes through every change, killed or not, and deletes through both doors, whatever its first seed', () => {
  for (let first = 0; first < 1_000; first++) {
    const done = Array.from({ length: runs }, (_, at) => changesOf(first + at)).flat()
    for (const kind of kinds)
      for (const killed of [true, false]) {
        const some = done.filter((change) => change.kind === kind && change.killed === killed)
        expect(some.length, `${kind}, killed ${killed}, with the first seed ${first}`).toBeGreaterThan(0)
        const doors = new Set(some.map(({ door }) => door))
        expect(doors.size, `doors of ${kind}, killed ${killed}, with the first seed ${first}`).toBe(2)
      }
  }
})
