import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { PipelineError, sealJson } from '../../src/core/index.ts'
import { Landing } from '../../src/lake/index.ts'
import type { Log } from '../../src/log/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'
import { gap } from './support.ts'
import { lakeOf, markerKey, openWorld, type World } from './world.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Two takes over three topic partitions: 0-3 and 3-5 of t/0, 0-2 of t/1, 0-1 of u/0. */
async function filled(options?: Parameters<typeof openWorld>[1]): Promise<World> {
  const world = await openWorld(undefined, options)
  await world.append('t', ['{"n":0}', 'not JSON', null])
  await world.append('t', ['1', '2'], 1)
  await world.take(['t'], ['t', 1])
  await world.append('u', ['"u"'])
  await world.append('t', ['3', '4'])
  await world.take(['u'], ['t'])
  return world
}

const lines = ['{"n":0}', '{"$pinflow":{"base64":"bm90IEpTT04="}}', '{"$pinflow":{"base64":null}}', '3', '4']
const name = (topic: string, partition: number, from: number): string =>
  `topics/${topic}/partition=${partition}/${topic}+${partition}+${String(from).padStart(10, '0')}.json`
const text = (...of: string[]): string => of.map((line) => `${line}\n`).join('')

const expected: Record<number, Record<string, string>> = {
  1: {
    ...Object.fromEntries(lines.map((line, from) => [name('t', 0, from), text(line)])),
    [name('t', 1, 0)]: text('1'),
    [name('t', 1, 1)]: text('2'),
    [name('u', 0, 0)]: text('"u"'),
  },
  3: {
    [name('t', 0, 0)]: text(...lines.slice(0, 3)),
    [name('t', 0, 3)]: text('3', '4'),
    [name('t', 1, 0)]: text('1', '2'),
    [name('u', 0, 0)]: text('"u"'),
  },
  10000: {
    [name('t', 0, 0)]: text(...lines),
    [name('t', 1, 0)]: text('1', '2'),
    [name('u', 0, 0)]: text('"u"'),
  },
}

test.each([1, 3, 10_000])(
  'with flush size %i, objects have these names and contents, and a marker',
  async (size) => {
    const { log, store, landing, land } = await filled()
    const marker = await landing.land(await land(size), log)
    const objects = expected[size]!
    expect(lakeOf(store)).toEqual({ ...objects, [markerKey(3)]: String(sealJson(marker)) })
    expect(marker.land).toBe(3)
    expect(marker.objects.map(({ key }) => key).sort()).toEqual(Object.keys(objects).sort())
    for (const { key, topic, partition, from, to, ...object } of marker.objects) {
      const content = objects[key]!
      const count = content.split('\n').length - 1
      expect(key).toBe(name(topic, partition, from))
      expect(to - from).toBe(count)
      expect(object).toEqual({ lines: count, bytes: Buffer.byteLength(content), sha256: sha256(content) })
    }
    expect(await landing.marker(3)).toEqual(marker)
    expect(await landing.newest()).toBe(3)
  },
)

test('what a land says stands in its own objects: lands do not share one', async () => {
  const { log, store, landing, land, append, take } = await filled()
  await landing.land(await land(10), log)
  const before = lakeOf(store)
  await append('t', ['5'])
  await take(['t'])
  await landing.land(await land(10), log)
  expect(lakeOf(store)).toMatchObject({ ...before, [name('t', 0, 5)]: text('5') })
  expect(await landing.newest()).toBe(5)
})

test('an object ends where offsets have a gap', async () => {
  const { log, store, landing, append, take, land } = await openWorld()
  await append('t', ['0', '1'])
  await log.continueFrom([{ topic: 't', partition: 0, to: 12_345_678_901 }])
  await append('t', ['2', '3', '4'])
  await take(['t'])
  const { objects } = await landing.land(await land(2), log)
  const found = lakeOf(store)
  expect(found).toMatchObject({
    [name('t', 0, 0)]: text('0', '1'),
    'topics/t/partition=0/t+0+12345678901.json': text('2', '3'),
    'topics/t/partition=0/t+0+12345678903.json': text('4'),
  })
  expect(objects.map(({ from, to }) => [from, to])).toEqual([
    [0, 2],
    [12_345_678_901, 12_345_678_903],
    [12_345_678_903, 12_345_678_904],
  ])
})

test('an object ends before it is larger than 8 MiB, and holds a record however large', async () => {
  const { log, store, landing, append, take, land } = await openWorld()
  const large = JSON.stringify('x'.repeat(3 * 2 ** 20))
  await append('t', [large, large, '1', large, JSON.stringify('x'.repeat(9 * 2 ** 20)), '2'])
  await take(['t'])
  const { objects } = await landing.land(await land(10_000), log)
  expect(objects.map(({ from, to }) => [from, to])).toEqual([
    [0, 3],
    [3, 4],
    [4, 5],
    [5, 6],
  ])
  expect(lakeOf(store)).toMatchObject({ [name('t', 0, 0)]: text(large, large, '1') })
})

test('landed twice, or by two workers at once, the objects are the same', async () => {
  const { log, store, landing, land } = await filled()
  const entry = await land(3)
  const other = new Landing(store, 'p', 'topics')
  const [a, b] = await Promise.all([landing.land(entry, log), other.land(entry, log)])
  expect(a).toEqual(b)
  const before = lakeOf(store)
  expect(await landing.land(entry, log)).toEqual(a)
  expect(lakeOf(store)).toEqual(before)
  expect(before).toMatchObject(expected[3]!)
})

class DyingStore extends MemoryStore {
  putsLeft = Number.POSITIVE_INFINITY

  override async putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    if (this.putsLeft-- <= 0) throw new Error('killed')
    return super.putIfAbsent(key, content)
  }
}

test('cut off after any put there is no marker, and landing again completes it', async () => {
  const { log, store, landing, land } = await filled()
  const entry = await land(3)
  const marker = await landing.land(entry, log)
  const whole = lakeOf(store)
  const count = marker.objects.length
  for (let puts = 0; puts <= count; puts++) {
    const dying = new DyingStore()
    dying.putsLeft = puts
    const again = new Landing(dying, 'p', 'topics')
    await expect(again.land(entry, log)).rejects.toThrow('killed')
    expect(dying.objects.size).toBe(puts)
    expect(await again.newest()).toBe(0)
    await expect(again.marker(3)).rejects.toMatchObject({ code: 'LAKE_DAMAGED' })
    dying.putsLeft = Number.POSITIVE_INFINITY
    expect(await again.land(entry, log)).toEqual(marker)
    expect(lakeOf(dying)).toEqual(whole)
  }
})

test.each([name('t', 0, 3), markerKey(3)])(
  'other contents under the name %s are damage, and nothing is put over them',
  async (key) => {
    const { log, store, landing, land } = await filled()
    await store.put(key, Buffer.from('other'))
    const landed = landing.land(await land(3), log)
    await expect(landed).rejects.toMatchObject({
      code: 'LAKE_DAMAGED',
      message: expect.stringContaining(key),
    })
    expect(lakeOf(store)[key]).toBe('other')
    expect(lakeOf(store)[markerKey(3)]).toBe(key === markerKey(3) ? 'other' : undefined)
  },
)

test('a log that holds other than what the entry counts is refused before a marker', async () => {
  const { log, store, landing, land } = await filled()
  const entry = await land(10)
  const [take] = entry.takes
  const [range] = take!.ranges
  const wrong = { ...entry, takes: [{ ...take!, ranges: [{ ...range!, count: 2 }] }] }
  await expect(landing.land(wrong, log)).rejects.toMatchObject({
    code: 'EPOCHS_DAMAGED',
    message: expect.stringContaining('offsets 0 to 2 of t/0'),
  })
  expect(lakeOf(store)[markerKey(3)]).toBeUndefined()
})

test('what was made void is not landed', async () => {
  const { log, store, epochs, landing, land } = await filled()
  const entry = await land(10)
  await epochs.take(log.id, [], [gap('lost', 't', 3, 5)])
  await landing.land(await epochs.landEntry(entry.epoch), log)
  expect(Object.keys(lakeOf(store)).filter((key) => key.startsWith('topics/t/partition=0'))).toEqual([
    name('t', 0, 0),
  ])
  expect(lakeOf(store)[name('t', 0, 0)]).toBe(text(...lines.slice(0, 3)))
})

test('a land of nothing has a marker of no objects', async () => {
  const { log, store, landing, land } = await openWorld()
  expect(await landing.land(await land(10), log)).toEqual({ land: 1, objects: [] })
  expect(Object.keys(lakeOf(store))).toEqual([markerKey(1)])
})

test('without a topics folder, objects stand under their topic', async () => {
  const { log, store, landing, land } = await filled({ topicsFolder: '' })
  await landing.land(await land(10), log)
  expect(lakeOf(store)).toMatchObject({ 'u/partition=0/u+0+0000000000.json': text('"u"') })
})

test('a topic with the longest name lands under a name that a file can have', async () => {
  const topic = 'x'.repeat(249)
  const { log, store, landing, append, take, land } = await openWorld({ [topic]: 1 })
  await append(topic, ['1'])
  await take([topic])
  const { objects } = await landing.land(await land(10), log)
  expect(objects[0]?.key).toBe(`topics/${topic}/partition=0/${'x'.repeat(236)}~+0+0000000000.json`)
  for (const part of objects[0]!.key.split('/')) expect(part.length).toBeLessThanOrEqual(255)
  expect(lakeOf(store)[objects[0]!.key]).toBe(text('1'))
})

test.each(['', 'null', '{', '{"land":4,"objects":[]}', '{"land":3}'])(
  'a marker of %j is damage',
  async (content) => {
    const { store, landing } = await openWorld()
    await store.put(markerKey(3), Buffer.from(content))
    await expect(landing.marker(3)).rejects.toMatchObject({
      code: 'LAKE_DAMAGED',
      message: expect.stringContaining(markerKey(3)),
    })
  },
)

test('an object among the markers that is none is damage', async () => {
  const { store, landing } = await openWorld()
  await store.put('_pinflow/p/landed/x.json', Buffer.from('{}'))
  await expect(landing.newest()).rejects.toMatchObject({ code: 'LAKE_DAMAGED' })
})

test('what another worker has landed, and the log has let go of since, is landed; nothing else is', async () => {
  const { log, landing, land } = await filled()
  const entry = await land(3)
  const read = () => {
    throw new PipelineError('OFFSET_OUT_OF_RANGE', 'it is gone')
  }
  const without = { read } as unknown as Log
  await expect(landing.land(entry, without)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
  expect(await landing.land(entry, log)).toEqual(await landing.land(entry, without))
})
