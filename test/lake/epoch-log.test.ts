import { describe, expect, test } from 'vitest'
import { openSealedJson, sealJson } from '../../src/core/index.ts'
import { EpochLog } from '../../src/lake/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'
import {
  collect,
  gap,
  HookStore,
  historyOf,
  hourMs,
  keyOf,
  logId,
  prefix,
  range,
  rangesOf,
} from './support.ts'

const clock = { nowMs: 0 }
const open = (store: MemoryStore): Promise<EpochLog> => EpochLog.open(store, 'p', () => clock.nowMs)

const entryIn = (store: MemoryStore, epoch: number): { kind: string; takes: object[]; ends: object[] } =>
  openSealedJson(Buffer.from(store.objects.get(keyOf(epoch))!.content)) as {
    kind: string
    takes: object[]
    ends: object[]
  }

describe('one worker', () => {
  test('begins with an origin of its own id, which stays', async () => {
    const store = new MemoryStore()
    const epochs = await open(store)
    expect([epochs.newest, epochs.newestLand, epochs.logId, epochs.ends()]).toEqual([0, 0, undefined, []])
    expect([...store.objects.keys()]).toEqual([keyOf(0)])
    expect((await open(store)).id).toBe(epochs.id)
    expect((await EpochLog.open(store, 'another')).id).not.toBe(epochs.id)
  })

  test('numbers its entries from 1, and a land repeats the takes since the last', async () => {
    const store = new MemoryStore()
    const epochs = await open(store)
    expect(await epochs.take(logId, [range('t', 0, 5), range('u', 0, 2, 3)])).toBe(1)
    expect(await epochs.take(logId, [range('t', 5, 7)])).toBe(2)
    expect(await epochs.land(logId, 100)).toBe(3)
    expect(await epochs.take(logId, [range('t', 7, 8)])).toBe(4)
    expect(entryIn(store, 3)).toEqual({
      kind: 'land',
      epoch: 3,
      timeMs: 0,
      logId,
      flushSize: 100,
      takes: [
        { epoch: 1, timeMs: 0, ranges: [range('t', 0, 5), range('u', 0, 2, 3)] },
        { epoch: 2, timeMs: 0, ranges: [range('t', 5, 7)] },
      ],
      ends: [
        { topic: 't', partition: 0, to: 7, records: 7, lost: 0, skipped: 0 },
        { topic: 'u', partition: 3, to: 2, records: 2, lost: 0, skipped: 0 },
      ],
      voids: [],
    })
    expect(await rangesOf(epochs)).toEqual(['1>3 t/0 0-5', '1>3 u/3 0-2', '2>3 t/0 5-7', '4> t/0 7-8'])
    expect([epochs.position('t', 0), epochs.position('u', 3), epochs.position('u', 0)]).toEqual([8, 2, 0])
    expect(epochs.openTakes).toEqual([{ epoch: 4, timeMs: 0, ranges: [range('t', 7, 8)] }])
    expect(await historyOf(await open(store))).toEqual(await historyOf(epochs))
  })

  test.each([
    ['leaves offsets out', range('t', 6, 9)],
    ['takes offsets again', range('t', 4, 9)],
    ['goes backwards', range('t', 5, 4)],
    ['does not begin at 0', range('new', 1, 2)],
  ])('is refused a take that %s', async (_, wrong) => {
    const store = new MemoryStore()
    const epochs = await open(store)
    await epochs.take(logId, [range('t', 0, 5)])
    await expect(epochs.take(logId, [wrong])).rejects.toMatchObject({ code: 'EPOCHS_DAMAGED' })
    expect(store.objects.has(keyOf(2))).toBe(false)
    expect(await epochs.take(logId, [range('t', 5, 6)])).toBe(2)
  })

  test('tells each epoch once, though lands are entered while they are read', async () => {
    const store = new MemoryStore()
    const writer = await open(store)
    for (let at = 0; at < 4; at++) {
      await writer.take(logId, [range('t', at, at + 1)])
      if (at % 2 === 1) await writer.land(logId, 1)
    }
    // Opened anew, all but the newest land are read from the store.
    const epochs = await open(store)
    await epochs.take(logId, [range('t', 4, 5)])
    const { list } = store
    store.list = async (...args) => {
      store.list = list
      await epochs.land(logId, 1)
      await epochs.take(logId, [range('t', 5, 6)])
      return list.apply(store, args)
    }
    const told = (await collect(epochs.epochsAfter(0))).map(({ epoch }) => epoch)
    expect(told).toEqual([1, 2, 4, 5, 7])
  })

  test('remembers lands after an epoch, or reads them', async () => {
    const store = new MemoryStore()
    const epochs = await open(store)
    for (let at = 0; at < 100; at++) {
      await epochs.take(logId, [range('t', at, at + 1)])
      await epochs.land(logId, 1)
    }
    const all = Array.from({ length: 100 }, (_, at) => 2 * at + 2)
    for (const log of [epochs, await open(store)]) {
      expect(await log.landsAfter(0)).toEqual(all)
      expect(await log.landsAfter(9)).toEqual(all.slice(4))
      expect(await log.landsAfter(199)).toEqual([200])
      expect(await log.landsAfter(200)).toEqual([])
      expect((await collect(log.epochsAfter(5))).map(({ epoch }) => epoch)).toEqual(
        Array.from({ length: 97 }, (_, at) => 2 * at + 7),
      )
      expect(log.landBefore(201)?.epoch).toBe(200)
    }
    expect(epochs.landBefore(151)).toMatchObject({ epoch: 150, ends: [{ topic: 't', to: 75 }] })
    expect(epochs.landBefore(20)).toBeUndefined()
  })
})

describe('offsets that are not processed', () => {
  test('count as lost or skipped where a topic partition goes on after them', async () => {
    const store = new MemoryStore()
    const epochs = await open(store)
    await epochs.take(logId, [], [gap('lost', 't', 0, 4)])
    await epochs.take(logId, [range('t', 4, 6)], [gap('skipped', 't', 6, 9), gap('lost', 'u', 0, 1)])
    await epochs.land(logId, 10)
    await epochs.take(logId, [range('t', 9, 10)])
    const ends = [
      { topic: 't', partition: 0, to: 10, records: 3, lost: 4, skipped: 3 },
      { topic: 'u', partition: 0, to: 1, records: 0, lost: 1, skipped: 0 },
    ]
    for (const log of [epochs, await open(store)]) {
      expect(log.ends()).toEqual(ends)
      expect(await rangesOf(log)).toEqual(['2>3 t/0 4-6', '4> t/0 9-10'])
    }
  })

  test('make void what was taken before: it is not landed, not told, and counts as lost', async () => {
    const store = new MemoryStore()
    const epochs = await open(store)
    await epochs.take(logId, [range('t', 0, 5), range('u', 0, 2)])
    await epochs.land(logId, 10)
    await epochs.take(logId, [range('t', 5, 8), range('u', 2, 4)])
    await epochs.land(logId, 10)
    await epochs.take(logId, [range('t', 8, 9)])
    await epochs.take('another log', [], [gap('lost', 't', 5, 8), gap('lost', 't', 8, 9)])
    const check = async (log: EpochLog) => {
      expect(log.logId).toBe('another log')
      expect(log.ends()).toEqual([
        { topic: 't', partition: 0, to: 9, records: 5, lost: 4, skipped: 0 },
        { topic: 'u', partition: 0, to: 4, records: 4, lost: 0, skipped: 0 },
      ])
      expect(await rangesOf(log)).toEqual(['1>2 t/0 0-5', '1>2 u/0 0-2', '3>4 u/0 2-4'])
      expect((await log.landEntry(4)).takes).toMatchObject([{ ranges: [range('u', 2, 4)] }])
      expect(log.openTakes.map(({ ranges }) => ranges)).toEqual([[], []])
    }
    await check(epochs)
    await check(await open(store))
    await epochs.land('another log', 10)
    const again = await open(store)
    expect(await rangesOf(again)).toEqual(['1>2 t/0 0-5', '1>2 u/0 0-2', '3>4 u/0 2-4'])
    expect(again.ends()).toEqual(epochs.ends())
    await again.take('another log', [range('t', 9, 10)])
    expect((await rangesOf(again)).at(-1)).toBe('8> t/0 9-10')
  })
})

describe('deletion of takes', () => {
  async function filled(): Promise<{ store: HookStore; epochs: EpochLog }> {
    clock.nowMs = 0
    const store = new HookStore(() => clock.nowMs)
    const epochs = await open(store)
    for (let at = 0; at < 6; at++) {
      clock.nowMs = at * 1_000
      await epochs.take(logId, [range('t', 2 * at, 2 * at + 1)])
      await epochs.take(logId, [range('t', 2 * at + 1, 2 * at + 2)])
      await epochs.land(logId, 10)
    }
    return { store, epochs }
  }
  const stored = (store: MemoryStore): number[] =>
    [...store.objects.keys()].map((key) => Number(key.slice(prefix.length, -5))).sort((a, b) => a - b)
  const all = Array.from({ length: 19 }, (_, epoch) => epoch)

  test('waits an hour after the land that repeats them, and spares those of the newest land', async () => {
    const { store, epochs } = await filled()
    const before = await historyOf(epochs)
    clock.nowMs = hourMs - 1
    expect(await epochs.deleteOldTakes()).toBe(0)
    clock.nowMs = hourMs + 1_000
    expect(await epochs.deleteOldTakes()).toBe(4)
    expect(stored(store)).toEqual(all.filter((epoch) => ![1, 2, 4, 5].includes(epoch)))
    clock.nowMs = 10 * hourMs
    expect(await epochs.deleteOldTakes()).toBe(6)
    expect(stored(store)).toEqual([0, 3, 6, 9, 12, 15, 16, 17, 18])
    expect(await epochs.deleteOldTakes()).toBe(0)
    expect(await historyOf(epochs)).toEqual(before)
    expect(await historyOf(await open(store))).toEqual(before)
  })

  test('goes on after a restart, and reads no more of the history than it must', async () => {
    const { store, epochs } = await filled()
    clock.nowMs = hourMs + 1_000
    await epochs.deleteOldTakes()
    const again = await open(store)
    clock.nowMs = 10 * hourMs
    expect(await again.deleteOldTakes()).toBe(6)
    const { gets } = store
    expect(await again.deleteOldTakes()).toBe(0)
    expect(store.gets).toBe(gets)
    const third = await open(store)
    const opened = store.gets
    expect(await third.deleteOldTakes()).toBe(0)
    expect(store.gets - opened).toBeLessThanOrEqual(2)
  })

  test('that failed on its way is finished by the next', async () => {
    const { store, epochs } = await filled()
    clock.nowMs = 10 * hourMs
    const { delete: remove } = store
    let left = 3
    store.delete = async (key) =>
      left-- > 0 ? remove.call(store, key) : Promise.reject(new Error('cut off'))
    await expect(epochs.deleteOldTakes()).rejects.toThrow('cut off')
    store.delete = remove
    await (await open(store)).deleteOldTakes()
    expect(stored(store)).toEqual([0, 3, 6, 9, 12, 15, 16, 17, 18])
  })
})

describe('damage is found at opening, and named', () => {
  async function filled(): Promise<MemoryStore> {
    const store = new MemoryStore()
    const epochs = await open(store)
    await epochs.take(logId, [range('t', 0, 1)])
    await epochs.land(logId, 1)
    await epochs.take(logId, [range('t', 1, 2)])
    await epochs.take(logId, [range('t', 2, 3)])
    return store
  }

  test.each([0, 3])('entry %i missing', async (epoch) => {
    const store = await filled()
    store.objects.delete(keyOf(epoch))
    await expect(open(store)).rejects.toMatchObject({
      code: 'EPOCHS_DAMAGED',
      message: expect.stringMatching(`${keyOf(epoch)} is missing|entry ${epoch} under ${prefix} is missing`),
    })
  })

  test('the first entries missing, before there is a land', async () => {
    const store = new MemoryStore()
    const epochs = await open(store)
    for (let at = 0; at < 3; at++) await epochs.take(logId, [range('t', at, at + 1)])
    store.objects.delete(keyOf(1))
    await expect(open(store)).rejects.toThrow(`entry 1 under ${prefix} is missing`)
  })

  const take = { kind: 'take', logId, epoch: 4, timeMs: 0, ranges: [] }
  test.each([
    '',
    '{',
    'null',
    '4',
    '[]',
    '{}',
    { ...take, epoch: 5 },
    { ...take, kind: 'other' },
    { ...take, ranges: undefined },
    { ...take, ranges: [null] },
    { ...take, ranges: [{ ...range('t', 2, 3), to: '3' }] },
    { ...take, ranges: [{ ...range('t', 2, 3), count: -1 }] },
    { ...take, gaps: [{ ...gap('lost', 't', 2, 3), kind: 'gone' }] },
    { ...take, kind: 'land', flushSize: 1, takes: [], ends: [] },
    { kind: 'origin', format: 1, id: 'x', timeMs: 0 },
  ])('entry 4 being %j', async (entry) => {
    const store = await filled()
    const content = typeof entry === 'string' ? Buffer.from(entry) : sealJson(entry)
    store.objects.set(keyOf(4), { content, modifiedMs: 0 })
    await expect(open(store)).rejects.toMatchObject({
      code: 'EPOCHS_DAMAGED',
      message: expect.stringContaining(keyOf(4)),
    })
  })

  test.each([
    ['does not join', { ...take, ranges: [range('t', 5, 6)] }],
    [
      'is a land that forgets a take',
      { ...take, kind: 'land', flushSize: 1, takes: [], ends: [], voids: [] },
    ],
  ])('an entry read from another worker that %s', async (_, entry) => {
    const store = await filled()
    store.objects.delete(keyOf(4))
    const epochs = await open(store)
    store.objects.set(keyOf(4), { content: sealJson(entry), modifiedMs: 0 })
    await expect(epochs.refresh()).rejects.toMatchObject({
      code: 'EPOCHS_DAMAGED',
      message: expect.stringContaining(`entry 4 under ${prefix}`),
    })
  })

  test.each(['1.json', `${'1'.repeat(19)}.json`, `${'0'.repeat(20)}.txt`])(
    'a foreign object %s',
    async (name) => {
      const store = await filled()
      await store.put(`${prefix}${name}`, Buffer.from('{}'))
      await expect(open(store)).rejects.toMatchObject({
        code: 'EPOCHS_DAMAGED',
        message: expect.stringContaining(name),
      })
    },
  )

  test('asking for a land where there is none', async () => {
    const epochs = await open(await filled())
    for (const epoch of [1, 4, 99])
      await expect(epochs.landEntry(epoch)).rejects.toMatchObject({ code: 'EPOCHS_DAMAGED' })
  })
})
