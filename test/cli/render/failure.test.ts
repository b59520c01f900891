import { expect, test } from 'vitest'
import { failureText } from '../../../src/cli/render/failure.ts'
import { PipelineError } from '../../../src/core/index.ts'

test('code, what happened, the cause where the message has it not, the next step, and where to read on', () => {
  const cause = new Error('inner', { cause: new Error('EACCES: permission denied\n  at somewhere') })
  const error = new PipelineError('STORE_FAILED', 'reading x: inner', { cause })
  expect(failureText(error).split('\n')).toEqual([
    'STORE_FAILED: reading x: inner',
    'Cause: EACCES: permission denied',
    'Next: Check the store (volume, mount, permissions); the work is tried again.',
    'More: pinflow explain STORE_FAILED',
  ])
  expect(failureText(new PipelineError('USAGE', 'no'))).not.toContain('Cause')
})

test('a mistake of the program has the same form, and says where', () => {
  const lines = failureText(new TypeError('x is not a function')).split('\n')
  expect(lines[0]).toBe('INTERNAL: x is not a function')
  expect(lines[1]).toMatch(/^Next: .*report it\.$/)
  expect(lines[2]).toMatch(/^ {4}at /)
  expect(failureText('thrown text')).toContain('INTERNAL: thrown text')
})
