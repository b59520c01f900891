import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { showProgress } from '../../../src/cli/render/progress.ts'

/** A stream with what a bar asks of a terminal. */
function stream(isTTY: boolean): PassThrough & NodeJS.WriteStream {
  const terminal = { isTTY, columns: 80, cursorTo: () => true, clearLine: () => true }
  return Object.assign(new PassThrough(), terminal) as unknown as PassThrough & NodeJS.WriteStream
}

const written = (to: PassThrough) => String(to.read() ?? '')

afterEach(() => {
  vi.useRealTimers()
})

describe('progress', () => {
  test('elsewhere than on a terminal is a line for each step, and one every few seconds', () => {
    vi.useFakeTimers()
    const to = stream(false)
    const progress = showProgress(to)
    progress.step('posting', 2000)
    for (let done = 1; done <= 2000; done++) {
      vi.advanceTimersByTime(5)
      progress.at(done)
    }
    progress.step('landing')
    progress.end()
    const lines = written(to).trimEnd().split('\n')
    expect(lines[0]).toMatch(/^posting/)
    expect(lines.at(-1)).toMatch(/^landing/)
    expect(lines.slice(1, -1).every((line) => /^posting: \d+ of 2000$/.test(line))).toBe(true)
    expect(lines.length - 2).toBeGreaterThan(1)
    expect(lines.length - 2).toBeLessThan(11)
  })

  test('on a terminal is a bar that leaves no line behind', () => {
    const to = stream(true)
    const progress = showProgress(to)
    progress.step('posting', 2000)
    progress.at(1000)
    progress.step('landing')
    progress.end()
    progress.end()
    const text = written(to)
    expect(text).toContain('posting')
    expect(text).toContain('landing')
    expect(text).not.toContain('\n')
  })
})
