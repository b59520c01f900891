/** Workers that are slow in the middle of reading or writing the epoch log; each was first met by the simulation. */
import { beforeEach, expect, test } from 'vitest'
import { EpochLog } from '../../src/lake/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'
import { historyOf, hourMs, keyOf, logId, range, rangesOf } from './support.ts'

/** A store on which something happens once, before a certain object is read. */
class SlowStore extends MemoryStore {
  beforeGet = new Map<string, () => Promise<void>>()

  override async get(key: string): Promise<Buffer | undefined> {
    const hook = this.beforeGet.get(key)
    this.beforeGet.delete(key)
    await hook?.()
    return super.get(key)
  }
}

let nowMs = 0
let store: SlowStore
const open = (): Promise<EpochLog> => EpochLog.open(store, 'p', () => nowMs)

beforeEach(() => {
  nowMs = 0
  store = new SlowStore(() => nowMs)
})

/** Takes and lands `from` … `to`, one record each; an hour later the takes of all but the newest land are deleted. */
async function goOn(worker: EpochLog, from: number, to: number): Promise<void> {
  await worker.refresh()
  for (let offset = from; offset < to; offset++) {
    await worker.take(logId, [range('t', offset, offset + 1)])
    await worker.land(logId, 1)
  }
  nowMs += hourMs + 1
  await worker.deleteOldTakes()
}

test('a worker that slept while it read, and finds a deleted take missing, does not take its place', async () => {
  const [slow, quick] = [await open(), await open()]
  await quick.take(logId, [range('t', 0, 1)])
  await quick.land(logId, 1)
  store.beforeGet.set(keyOf(3), () => goOn(quick, 1, 4))
  await slow.refresh()
  expect(slow.position('t', 0)).toBe(4)
  expect(await slow.take(logId, [range('t', 4, 5)])).toBe(9)
})

test('a take that is deleted between the listing and the reading of a worker that opens is no damage', async () => {
  const worker = await open()
  await worker.take(logId, [range('t', 0, 1)])
  store.beforeGet.set(keyOf(1), async () => {
    await worker.land(logId, 1)
    await goOn(worker, 1, 3)
  })
  expect(rangesOf(await open())).toEqual(rangesOf(worker))
})

test('a land that a worker left in the place of a deleted take, and died, is none', async () => {
  const [slow, quick] = [await open(), await open()]
  await goOn(quick, 0, 1)
  await slow.refresh()
  await goOn(quick, 1, 4)
  const before = await historyOf(await open())
  const remove = store.delete
  store.delete = () => Promise.reject(new Error('dead'))
  await expect(slow.land(logId, 1)).rejects.toThrow('dead')
  store.delete = remove
  expect(store.objects.has(keyOf(3))).toBe(true)
  expect(await historyOf(await open())).toEqual(before)
})

/** Takes 3 and 4, of which 3 is deleted; in its place a worker that slept since entry 2, and died, has left another. */
async function leaveStray(quick: EpochLog, sleeper: EpochLog): Promise<void> {
  const { delete: remove, list } = store
  const dead = () => Promise.reject(new Error('dead'))
  store.delete = (key) => {
    store.delete = dead
    return remove.call(store, key)
  }
  await quick.land(logId, 1)
  await expect(goOn(quick, 3, 5)).rejects.toThrow('dead')
  store.list = dead
  await expect(sleeper.take(logId, [range('t', 1, 3)])).rejects.toThrow('dead')
  Object.assign(store, { delete: remove, list })
  expect([keyOf(3), keyOf(4)].every((key) => store.objects.has(key))).toBe(true)
}

test('a worker that slept for an hour while it opened or looked reads no take in the place of a deleted one', async () => {
  const [quick, sleeper, slow] = [await open(), await open(), await open()]
  await quick.take(logId, [range('t', 0, 1)])
  await quick.land(logId, 1)
  for (const worker of [sleeper, slow]) await worker.refresh()
  await quick.take(logId, [range('t', 1, 2)])
  await quick.take(logId, [range('t', 2, 3)])
  let opened: EpochLog | undefined
  // Who opens reads from the newest down, who looks from its own up: either is asleep just before the stray.
  store.beforeGet.set(keyOf(3), async () => {
    store.beforeGet.set(keyOf(3), () => leaveStray(quick, sleeper))
    opened = await open()
  })
  await slow.refresh()
  for (const worker of [opened!, slow]) {
    expect(worker.newest).toBe(quick.newest)
    expect(await historyOf(worker)).toEqual(await historyOf(quick))
  }
})

test('calls of one worker may read at the same time', async () => {
  const [reader, writer] = [await open(), await open()]
  for (let offset = 0; offset < 3; offset++) {
    await writer.take(logId, [range('t', offset, offset + 1)])
    await writer.land(logId, 1)
    await Promise.all([reader.refresh(), reader.refresh(), reader.take(logId, [range('u', 0, 1)])])
  }
  await reader.refresh()
  expect(await historyOf(reader)).toEqual(await historyOf(await open()))
})
