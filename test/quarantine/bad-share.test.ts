import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ShareWatch } from '../../src/quarantine/index.ts'
import { before } from './sales.ts'
import { Stall } from './stall.ts'

function watched(...counts: [read: number, quarantined: number, generation?: number][]): ShareWatch {
  const watch = new ShareWatch()
  for (const [read, quarantined, generation = 0] of counts) watch.observe({ read, quarantined, generation })
  return watch
}

test('the share is of the newest 1,000 records, whatever the commits are', () => {
  expect(watched().share).toEqual({ records: 0, bad: 0 })
  expect(watched([400, 40]).share).toEqual({ records: 400, bad: 40 })
  expect(watched([400, 40], [400, 40], [1_000, 50]).share).toEqual({ records: 1_000, bad: 50 })
  // The newest 1,000 are the half of the first commit's 1,000, and all of the second's.
  expect(watched([1_000, 100], [1_500, 100]).share).toEqual({ records: 1_000, bad: 50 })
  expect(watched([50_000, 5_000]).share).toEqual({ records: 1_000, bad: 100 })
  expect(watched([50_000, 5_000], [51_000, 5_000]).share).toEqual({ records: 1_000, bad: 0 })
  expect(watched([5_000, 5_000], [500, 5, 1]).share).toEqual({ records: 500, bad: 5 })
  expect(watched([5_000, 5_000], [4_000, 0]).share).toEqual({ records: 1_000, bad: 0 })
  const long = watched(
    ...Array.from({ length: 5_000 }, (_, at): [number, number] => [at + 1, at % 2 === 0 ? 0 : 0]),
  )
  expect(long.share).toEqual({ records: 1_000, bad: 0 })
})

test('it is above a threshold with more, not with as many; of few records nothing is said', () => {
  expect(watched([1_000, 100]).isAbove(10)).toBe(false)
  expect(watched([1_000, 101]).isAbove(10)).toBe(true)
  expect(watched([99, 99]).isAbove(10)).toBe(false)
  expect(watched([100, 11]).isAbove(10)).toBe(true)
  expect(watched([1_000, 1_000]).isAbove(100)).toBe(false)
  expect(watched([1_000, 1]).isAbove(0)).toBe(true)
})

test('a stream of bad records goes on; log and health say so once, and once that it is over', async () => {
  const stall = await Stall.make()
  const lines: { level: number; msg: string }[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  await stall.open(before, { logger, more: { 'clean.groupRecordsMax': 400 } })
  const good = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({ value: `{"id":${from + at},"item":"pear"}` }))
  await stall.send(good(0, 200))
  await stall.platform.settle()
  expect(stall.platform.states()['stream.sale']?.alert).toBeUndefined()
  await stall.send(Array.from({ length: 10_000 }, () => ({ value: 'not json' })))
  // Settled first: within one epoch the partitions' order decides, and the good one need not be among the newest.
  await stall.platform.settle()
  await stall.send(good(200, 1))
  await stall.platform.settle()
  const { accounts } = await (await import('../../src/platform/index.ts')).verifyPlatform(stall.platform)
  expect(accounts.sale?.stream).toEqual({ read: 10_201, rows: 201, duplicates: 0, quarantined: 10_000 })
  await expect
    .poll(() => stall.platform.states()['stream.sale']?.alert, { timeout: 20_000 })
    .toBe('999 of the newest 1000 records are bad (99 %)')
  const told = () => lines.filter(({ msg }) => msg.includes('of the newest'))
  expect(told()).toHaveLength(1)
  expect(told()[0]?.level).toBe(40)

  // A platform that has just been opened knows it by the commits.
  await stall.close()
  await stall.open(before, { logger })
  const { alerts } = await stall.call('quarantine', {})
  expect(alerts['stream.sale']).toMatch(/^99\d of the newest 1000 records are bad/)
  lines.length = 0
  await stall.send(good(1_000, 1_200))
  await stall.platform.settle()
  await expect.poll(() => told().at(-1)?.level, { timeout: 20_000 }).toBe(30)
  expect(stall.platform.states()['stream.sale']?.alert).toBeUndefined()
  await stall.expectVerified()
}, 120_000)
