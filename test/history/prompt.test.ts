import { expect, test } from 'vitest'
import { isPrompt } from '../faults/power/prompt.ts'

test('a start after a cut is ready within 2 s, or on a busy machine within three times a start without one', () => {
  expect(isPrompt(2_000, [300])).toBe(true)
  expect(isPrompt(2_001, [300, 600])).toBe(false)
  expect(isPrompt(5_900, [1_000, 2_000])).toBe(true)
  expect(isPrompt(6_001, [1_000, 2_000])).toBe(false)
})
