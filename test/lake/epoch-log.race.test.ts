/** Several workers over one store: every number is decided once, whoever sleeps, is late or comes between. */
import { beforeEach, expect, test } from 'vitest'
import { sealJson } from '../../src/core/index.ts'
import { EpochLog } from '../../src/lake/index.ts'
import type { MemoryStore } from '../contract/memory-store.ts'
import { HookStore, historyOf, hourMs, keyOf, logId, range, rangesOf } from './support.ts'

let nowMs = 0
let store: HookStore
const open = (): Promise<EpochLog> => EpochLog.open(store, 'p', () => nowMs)
const exists = (of: MemoryStore, epoch: number): boolean => of.objects.has(keyOf(epoch))

beforeEach(() => {
  nowMs = 0
  store = new HookStore(() => nowMs)
})

/** Everything, so that what two workers hold can be compared. */
async function agreed(...workers: EpochLog[]): Promise<string[]> {
  for (const worker of workers) await worker.refresh()
  const [first, ...others] = await Promise.all(workers.map(historyOf))
  for (const other of others) expect(other).toEqual(first)
  expect(await historyOf(await open())).toEqual(first)
  return rangesOf(workers[0]!)
}

test('workers that begin an epoch log at once agree on its id', async () => {
  const workers = await Promise.all(Array.from({ length: 5 }, open))
  expect(new Set(workers.map(({ id }) => id)).size).toBe(1)
})

test('a worker that opens it just when another begins it finds it whole', async () => {
  let second: EpochLog | undefined
  store.list = async (...args) => {
    store.list = HookStore.prototype.list
    second = await open()
    await second.take(logId, [range('t', 0, 1)])
    return store.list(...args)
  }
  const first = await open()
  expect(first.id).toBe(second?.id)
  expect(await agreed(first, second!)).toEqual(['1> t/0 0-1'])
})

test('of two takes of one number one is entered, and the loser sees it and goes on behind it', async () => {
  const [a, b] = [await open(), await open()]
  for (let round = 0; round < 20; round++) {
    const won = await Promise.all(
      [a, b].map((worker, at) => {
        const from = worker.position('t', 0)
        return worker.take(logId, [range('t', from, from + 1 + at)])
      }),
    )
    expect(won.filter((epoch) => epoch !== undefined)).toEqual([round + 1])
    expect([a.newest, b.newest]).toEqual([round + 1, round + 1])
  }
  expect(await agreed(a, b)).toHaveLength(20)
})

test('of a land and a take of one number one is entered', async () => {
  const [a, b] = [await open(), await open()]
  for (let round = 0; round < 10; round++) {
    await a.refresh()
    await b.refresh()
    const from = a.position('t', 0)
    await Promise.all([a.land(logId, 1), b.take(logId, [range('t', from, from + 1)])])
  }
  await agreed(a, b)
})

test.each([0, 30 * 60_000])(
  'a take that others have landed before its worker looks again stands, after %i ms of sleep too',
  async (sleptMs) => {
    const [a, b] = [await open(), await open()]
    await a.take(logId, [range('t', 0, 1)])
    await b.refresh()
    nowMs += sleptMs
    store.afterPut = async () => {
      await b.refresh()
      await b.take(logId, [range('t', 3, 4)])
      await b.land(logId, 1)
      await b.take(logId, [range('t', 4, 5)])
    }
    expect(await a.take(logId, [range('t', 1, 3)])).toBe(2)
    expect(exists(store, 2)).toBe(true)
    expect(await agreed(a, b)).toEqual(['1>4 t/0 0-1', '2>4 t/0 1-3', '3>4 t/0 3-4', '5> t/0 4-5'])
  },
)

test('a land that others have gone beyond before its worker looks again stands', async () => {
  const [a, b] = [await open(), await open()]
  await a.take(logId, [range('t', 0, 1)])
  nowMs += hourMs / 2
  store.afterPut = async () => {
    await b.refresh()
    await b.take(logId, [range('t', 1, 2)])
    await b.land(logId, 1)
  }
  expect(await a.land(logId, 1)).toBe(2)
  expect(await agreed(a, b)).toEqual(['1>2 t/0 0-1', '3>4 t/0 1-2'])
})

/** A worker that slept at entry 1, while another went on, landed, and deleted the takes 2, 3 and 5. */
async function sleeper(): Promise<{ asleep: EpochLog; awake: EpochLog }> {
  const [asleep, awake] = [await open(), await open()]
  await asleep.take(logId, [range('t', 0, 1)])
  await awake.refresh()
  for (const [from, to] of [
    [1, 2],
    [2, 3],
  ] as const)
    await awake.take(logId, [range('t', from, to)])
  await awake.land(logId, 1)
  await awake.take(logId, [range('t', 3, 4)])
  await awake.land(logId, 1)
  nowMs += 2 * hourMs
  await awake.take(logId, [range('t', 4, 5)])
  await awake.land(logId, 1)
  expect(await awake.deleteOldTakes()).toBe(4)
  expect([1, 2, 3, 4, 5].map((epoch) => exists(store, epoch))).toEqual([false, false, false, true, false])
  return { asleep, awake }
}

const whole = ['1>4 t/0 0-1', '2>4 t/0 1-2', '3>4 t/0 2-3', '5>6 t/0 3-4', '7>8 t/0 4-5']

test.each(['take', 'land'] as const)(
  'a %s of a worker that slept while its number was deleted is dropped',
  async (kind) => {
    const { asleep, awake } = await sleeper()
    const entered = kind === 'take' ? asleep.take(logId, [range('t', 1, 9)]) : asleep.land(logId, 1)
    expect(await entered).toBeUndefined()
    expect(exists(store, 2)).toBe(false)
    expect(asleep.newest).toBe(8)
    expect(await agreed(asleep, awake)).toEqual(whole)
    expect(await asleep.take(logId, [range('t', 5, 6)])).toBe(9)
    expect(await agreed(asleep, awake)).toEqual([...whole, '9> t/0 5-6'])
  },
)

test('a worker that slept while its number was deleted reads on when it looks again', async () => {
  const { asleep, awake } = await sleeper()
  await asleep.refresh()
  expect(asleep.newest).toBe(8)
  expect(await agreed(asleep, awake)).toEqual(whole)
})

test('an entry in the place of a deleted take, not yet dropped, misleads no other sleeper', async () => {
  const { asleep, awake } = await sleeper()
  const second = await open()
  const late = await sleeperLike(asleep)
  store.afterPut = async () => {
    await late.refresh()
    expect(await rangesOf(late)).toEqual(whole)
  }
  expect(await asleep.take(logId, [range('t', 1, 9)])).toBeUndefined()
  expect(await agreed(asleep, awake, second, late)).toEqual(whole)
})

/** Another worker that knows no more than the first entry: opened on what the store held then. */
async function sleeperLike(asleep: EpochLog): Promise<EpochLog> {
  const now = new Map(store.objects)
  const origin = store.objects.get(keyOf(0))!
  const take = { kind: 'take', logId, ...asleep.openTakes[0] }
  store.objects.clear()
  store.objects.set(keyOf(0), origin)
  store.objects.set(keyOf(1), { content: sealJson(take), modifiedMs: 0 })
  const at = nowMs
  nowMs = 0
  const late = await open()
  nowMs = at
  store.objects.clear()
  for (const [key, object] of now) store.objects.set(key, object)
  expect(late.newest).toBe(1)
  return late
}

test('a put that failed though it was done is found when it is tried again', async () => {
  const epochs = await open()
  store.afterPut = async () => {
    throw new Error('the answer was lost')
  }
  await expect(epochs.take(logId, [range('t', 0, 3)])).rejects.toThrow('the answer was lost')
  expect(epochs.newest).toBe(0)
  expect(await epochs.take(logId, [range('t', 0, 3)])).toBeUndefined()
  expect(epochs.position('t', 0)).toBe(3)
  expect(await agreed(epochs)).toEqual(['1> t/0 0-3'])
})
