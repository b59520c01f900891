import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Broken } from '../faults/campaign.ts'
import { Report } from '../faults/report.ts'
import type { Event } from '../faults/run-campaign.ts'

const lines: string[] = []
beforeEach(() => {
  lines.length = 0
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
})
afterEach(() => void vi.restoreAllMocks())

const ran: Event = { event: 'run', seed: 1, outcome: { faults: {}, records: 5 } }

/** @returns whether all was well, by the events of campaigns and how their processes ended */
function tell(campaigns: Record<string, readonly Event[]>, failure?: string): boolean {
  const report = new Report(1)
  for (const [name, events] of Object.entries(campaigns)) {
    report.begin(name)
    for (const event of events) report.take(name, JSON.stringify(event))
    report.end(name, failure)
  }
  return report.print()
}

const closing = () => lines.at(-1)
const account = () => lines.at(-2)

test('a campaign that did all its runs has passed', () => {
  expect(tell({ one: [ran, ran, { event: 'end', wanted: 2 }] })).toBe(true)
  expect(closing()).toBe('Tests  1 passed, 0 failed, 0 skipped (campaigns)')
  expect(account()).toContain('10 records checked: lost 0, double 0')
})

test('a campaign that did fewer runs than it should has failed, and says so', () => {
  expect(tell({ one: [ran, { event: 'end', wanted: 8 }], two: [ran, { event: 'end', wanted: 1 }] })).toBe(
    false,
  )
  expect(lines.join('\n')).toContain('FAILED: its time was over after 1 of 8 runs')
  expect(closing()).toBe('Tests  1 passed, 1 failed, 0 skipped (campaigns)')
})

test('a campaign that had no run at all has failed', () => {
  expect(tell({ one: [{ event: 'end', wanted: 8 }] })).toBe(false)
  expect(tell({ one: [] }, 'its process ended with SIGKILL')).toBe(false)
})

test('one that goes on for a time of its own has passed, however many runs that were', () => {
  expect(tell({ one: [ran, { event: 'end' }] })).toBe(true)
})

test('one that this machine cannot do is skipped with its reason, and counted so', () => {
  const unavailable: Event = { event: 'unavailable', reason: 'it needs root' }
  expect(
    tell({ one: [unavailable, { event: 'end', wanted: 8 }], two: [ran, { event: 'end', wanted: 1 }] }),
  ).toBe(true)
  expect(lines).toContain('one: not run: it needs root')
  expect(closing()).toBe('Tests  1 passed, 0 failed, 1 skipped (campaigns)')
})

test.each([
  [{}, 'lost ?, double ?'],
  [{ lost: 3, double: 0 }, 'lost 3, double 0'],
])('a failure that counts %o is told as %s', (counted, expected) => {
  const failure: Event = { event: 'failure', seed: 2, message: 'no', ...counted }
  expect(tell({ one: [ran, failure, { event: 'end', wanted: 2 }] })).toBe(false)
  expect(account()).toContain(expected)
  expect(lines.join('\n')).not.toContain('its time was over')
})

test('failures with and without a count are at least what was counted', () => {
  const failures: Event[] = [
    { event: 'failure', seed: 1, message: 'no', lost: 3, double: 0 },
    { event: 'failure', seed: 2, message: 'no' },
  ]
  tell({ one: failures })
  expect(account()).toContain('lost 3 or more, double ?')
})

test('a process that ended before its time has counted nothing', () => {
  expect(tell({ one: [ran] }, 'its process ended with SIGKILL')).toBe(false)
  expect(account()).toContain('lost ?, double ?')
})

test('what is broken has counts only where somebody counted', () => {
  const { lost, double } = new Broken('it does not start')
  expect([lost, double]).toEqual([undefined, undefined])
  const counted = new Broken('some are gone', { lost: 2 })
  expect([counted.lost, counted.double]).toEqual([2, 0])
})
