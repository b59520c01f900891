import { expect, test } from 'vitest'
import { whyNoFlood } from '../faults/overload/flood.ts'

const flood = { offered: 1_000, sent: 400, taken: 100, seconds: 60 }

test('ten times what was taken is ten times, and not less', () => {
  expect(whyNoFlood(flood, 10)).toBeUndefined()
  expect(whyNoFlood({ ...flood, taken: 101 }, 10)).toContain('less than 10 times the 101 taken')
})

test('a flood of which everything was taken that was sent was none, and one of which nothing was shows nothing', () => {
  expect(whyNoFlood({ ...flood, sent: 100 }, 10)).toContain('all 100 requests that were sent were taken')
  expect(whyNoFlood({ ...flood, taken: 0 }, 10)).toBe('nothing was taken')
})
