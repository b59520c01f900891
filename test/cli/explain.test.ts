/** What every code means, to who has nothing but the code. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reasons } from '../../src/clean/index.ts'
import { explain, explanations, explanationText } from '../../src/cli/explain.ts'
import { errorCodes } from '../../src/core/index.ts'
import { pinflow } from '../e2e/pinflow.ts'

test('every error and every reason is explained in full', () => {
  const all = explanations()
  expect(all.map(({ code }) => code)).toEqual([...Object.keys(errorCodes), ...Object.keys(reasons)])
  for (const explanation of all) {
    for (const text of Object.values(explanation)) expect(text, explanation.code).not.toBe('')
    for (const part of [explanation.means, explanation.next])
      expect(part, explanation.code).toMatch(/^[A-Z`].*[.)]$/s)
    expect(explanationText(explanation)).toContain(explanation.next)
  }
})

test('a code is found in any case, and a reason with its column', () => {
  expect(explain('log_full').code).toBe('LOG_FULL')
  expect(explain('type-mismatch').code).toBe('TYPE_MISMATCH')
  expect(explain('TYPE_MISMATCH follower_count').kind).toBe('reason')
})

test('the nearest codes are named for one that is none', () => {
  expect(() => explain('LOG_FUL')).toThrow(/no code LOG_FUL; the nearest are LOG_FULL, /)
  expect(() => explain('TYPE_MISSMATCH')).toThrow('TYPE_MISMATCH')
})

test('the command needs no data and no configuration that is right', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'pinflow-explain-'))
  try {
    const env = { PINFLOW_GATEWAY_PORT: 'wrong' }
    const one = await pinflow(['explain', 'LOG_BEHIND_LAKE'], { cwd, env })
    expect(one).toMatchObject({ code: 0, stderr: '' })
    expect(one.stdout).toContain('--adopt')
    const list = await pinflow(['explain'], { cwd, env })
    for (const code of [...Object.keys(errorCodes), ...Object.keys(reasons)])
      expect(list.stdout).toMatch(new RegExp(`^ {2}${code} .*\\.$`, 'm'))
    const json = await pinflow(['explain', '--json'], { cwd, env })
    expect(JSON.parse(json.stdout)).toEqual(explanations())
  } finally {
    await rm(cwd, { recursive: true })
  }
})
