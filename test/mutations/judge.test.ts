import { expect, test } from 'vitest'
import { judge, judgeControl } from './judge.ts'
import { mutations } from './mutations.ts'

const shows = /no longer in the log/
const line = (passed: number, failed: number, skipped: number) =>
  `power-cuts: begins\nTests  ${passed} passed, ${failed} failed, ${skipped} skipped (campaigns)\n`

test('a mutation is caught by a guard that fails for what it takes out', () => {
  const output = 'FAILED with seed 1: Broken: 3 acknowledged records are no longer in the log'
  expect(judge({ code: 1, output }, shows)).toEqual({ kind: 'caught' })
})

test.each([
  { code: 0, output: line(1, 0, 0) },
  { code: 1, output: 'FAILED with seed 1: Error: spawn mkfs.ext4 ENOENT' },
  { code: null, output: 'no longer in the log' },
])('a guard that ends with $code and says "$output" has not caught it', (ended) => {
  expect(judge(ended, shows).kind).toBe('not caught')
})

test('a guard that passes with nothing taken out can tell', () => {
  expect(judgeControl({ code: 0, output: line(1, 0, 0) })).toBeUndefined()
  // Some kinds of faults were not possible, others were.
  const some = `    not run: full disk: it needs root\n${line(1, 0, 0)}`
  expect(judgeControl({ code: 0, output: some })).toBeUndefined()
})

test.each([1, null])('one that ends with %s can tell nothing', (code) => {
  expect(judgeControl({ code, output: line(0, 1, 0) })?.kind).toBe('not caught')
})

test('one that this machine cannot run is skipped, with its reason', () => {
  const output = `power-cuts: not run: it needs root\n${line(0, 0, 1)}`
  expect(judgeControl({ code: 0, output })).toEqual({ kind: 'skipped', why: 'it needs root' })
})

test.each(mutations.map(({ name, shows: expected }) => [name, expected] as const))(
  '%s: what is expected is not what every failure prints',
  (_, expected) => {
    const any =
      'power-cuts: FAILED with seed 1: Error: connect ECONNREFUSED 127.0.0.1:1\n  again: npm run test:faults'
    expect(judge({ code: 1, output: `${any}\n${line(0, 1, 0)}` }, expected).kind).toBe('not caught')
  },
)
