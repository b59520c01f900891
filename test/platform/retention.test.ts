import { expect, test } from 'vitest'
import { EpochLog } from '../../src/lake/index.ts'
import { keepFrom } from '../../src/platform/retention.ts'
import { MemoryStore } from '../contract/memory-store.ts'
import { range } from '../lake/support.ts'

const always = () => true

test('the log keeps what is not landed, or not yet cleaned as a stream, whichever is behind', async () => {
  const epochs = await EpochLog.open(new MemoryStore(), 'p')
  for (const [from, to] of [
    [0, 5],
    [5, 9],
  ] as const) {
    await epochs.take('log', [range('t', from, to)])
    await epochs.land('log', 100)
  }
  await epochs.take('log', [range('t', 9, 12)])
  const kept = (landed: number, cleaned: number) => keepFrom(epochs, landed, cleaned, always)('t', 0)
  expect([kept(0, 5), kept(5, 0)]).toEqual([0, 0])
  expect([kept(2, 5), kept(4, 2), kept(4, 3)]).toEqual([5, 5, 5])
  expect([kept(4, 4), kept(4, 5), kept(4, Number.POSITIVE_INFINITY)]).toEqual([9, 9, 9])
  expect(keepFrom(epochs, 4, 5, always)('another', 0)).toBe(0)
})

test('a topic that is never taken keeps nothing back', async () => {
  const epochs = await EpochLog.open(new MemoryStore(), 'p')
  const kept = keepFrom(epochs, 0, 0, (topic) => topic !== 'other')
  expect([kept('t', 0), kept('other', 0)]).toEqual([0, Number.POSITIVE_INFINITY])
})

test('of a topic that is no longer taken, what was taken is kept until it has landed', async () => {
  const epochs = await EpochLog.open(new MemoryStore(), 'p')
  await epochs.take('log', [range('t', 0, 5)])
  const kept = (landed: number) => keepFrom(epochs, landed, Number.POSITIVE_INFINITY, () => false)('t', 0)
  expect(kept(0)).toBe(0)
  await epochs.land('log', 100)
  expect([kept(0), kept(2)]).toEqual([0, Number.POSITIVE_INFINITY])
})
