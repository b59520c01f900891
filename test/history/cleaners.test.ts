import { expect, test } from 'vitest'
import { whyNoRace } from '../faults/processes/kinds/cleaners.ts'

test('two cleaners have raced once both committed, and one lost a version to the other', () => {
  expect(
    whyNoRace([
      { commits: 3, beaten: 0 },
      { commits: 1, beaten: 2 },
    ]),
  ).toBeUndefined()
})

test.each([
  [[], 'not both cleaners committed'],
  [[{ commits: 3, beaten: 1 }], 'not both cleaners committed'],
  [
    [
      { commits: 3, beaten: 0 },
      { commits: 0, beaten: 3 },
    ],
    'not both cleaners committed',
  ],
  [
    [
      { commits: 3, beaten: 0 },
      { commits: 2, beaten: 0 },
    ],
    'no cleaner lost a version to the other',
  ],
])('%j is no race', (sums, why) => {
  expect(whyNoRace(sums)).toBe(why)
})
