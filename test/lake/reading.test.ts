/** Records read back, from the lake and from the log. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Epoch, EpochLog, EpochReader, type EpochRecord } from '../../src/lake/index.ts'
import { LakeReader } from '../../src/lake/lake-reader.ts'
import { collect } from './support.ts'
import { openWorld, type World } from './world.ts'

const values = ['{"n":0}', 'not JSON', null, '', '4', '"\n"', '6', '{"$pinflow":1}', '8', '9', '10']

/** Offsets 0 to 10 of t/0 and 0 to 2 of u/0, taken in two, landed in objects of so many lines, 1 land. */
async function landed(flushSize: number): Promise<World & { land3: LakeReader }> {
  const world = await openWorld()
  await world.append('t', values.slice(0, 4))
  await world.append('u', ['a', 'b', 'c'])
  await world.take(['t'], ['u'])
  await world.append('t', values.slice(4))
  await world.take(['t'])
  await world.landing.land(await world.land(flushSize), world.log)
  return { ...world, land3: new LakeReader(world.store, await world.landing.marker(3)) }
}

const records = async <T>(pieces: AsyncIterable<T[]>): Promise<T[]> => (await collect(pieces)).flat()
const textOf = (value: Buffer | null): string | null => value && String(value)
const read = async (reader: LakeReader, from: number, to: number) =>
  (await records(reader.read('t', 0, from, to))).map(({ offset, value }) => [offset, textOf(value)])
const between = (from: number, to: number) =>
  values.map((value, offset): [number, string | null] => [offset, value]).slice(from, to)

test('any ranges in any order give the values that were landed, whatever the size of objects', async () => {
  for (const flushSize of [1, 2, 3, 100]) {
    const { land3 } = await landed(flushSize)
    const offset = fc.nat(values.length)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(offset, offset), { maxLength: 6 }), async (ranges) => {
        for (const [from, to] of ranges) expect(await read(land3, from, to)).toEqual(between(from, to))
      }),
      { numRuns: 40 },
    )
  }
})

test('a reading that was broken off is taken up anywhere', async () => {
  const { land3 } = await landed(100)
  for (const stop of [1, 3]) {
    let seen = 0
    for await (const _ of land3.read('t', 0, 2, 9)) if (++seen === stop) break
    expect(await read(land3, 2, 5)).toEqual(between(2, 5))
    expect(await read(land3, 4, 9)).toEqual(between(4, 9))
    expect(await read(land3, 0, 3)).toEqual(between(0, 3))
  }
})

test('a topic partition that the land does not hold is empty', async () => {
  const { land3 } = await landed(3)
  expect(await records(land3.read('t', 1, 0, 10))).toEqual([])
  expect(await records(land3.read('none', 0, 0, 10))).toEqual([])
})

const key = 'topics/t/partition=0/t+0+0000000003.json'

test.each([
  ['missing', () => undefined],
  ['changed', (content: Buffer) => Buffer.concat([content.subarray(0, -2), Buffer.from('1\n')])],
  ['longer', (content: Buffer) => Buffer.concat([content, Buffer.from('\n')])],
])('an object that is %s is damage, and is named; others are read', async (_, change) => {
  const { store, land3 } = await landed(3)
  const object = store.objects.get(key)!
  const content = change(object.content)
  if (content) store.objects.set(key, { ...object, content })
  else store.objects.delete(key)
  expect(await read(land3, 0, 3)).toEqual(between(0, 3))
  await expect(read(land3, 0, 4)).rejects.toMatchObject({
    code: 'LAKE_DAMAGED',
    message: expect.stringContaining(key),
  })
  expect(await read(land3, 6, 11)).toEqual(between(6, 11))
})

test('a marker that counts more lines than an object has is damage', async () => {
  const { store, landing } = await landed(3)
  const { land, objects } = await landing.marker(3)
  const wrong = objects.map((object) => (object.key === key ? { ...object, to: object.to + 1 } : object))
  const reader = new LakeReader(store, { land, objects: wrong })
  await expect(read(reader, 3, 7)).rejects.toMatchObject({ code: 'LAKE_DAMAGED' })
})

const topics = new Set(['t', 'u'])
const told = ({ value, origin: _, ...record }: EpochRecord) => ({ ...record, value: textOf(value) })

const readerOf = ({ log, store, landing, epochs }: World) =>
  new EpochReader({ log, lake: store, landing, epochs })

async function epochsOf({ epochs }: World): Promise<[Epoch, Epoch]> {
  const [first, second] = await collect(epochs.epochsAfter(0))
  return [first!, second!]
}

test('log and lake give the same records in the same order; the log gives their origin too', async () => {
  const world = await landed(3)
  const reader = readerOf(world)
  for (const epoch of await epochsOf(world)) {
    const fromLog = await records(reader.read(epoch, topics, 'log'))
    const fromLake = await records(reader.read(epoch, topics, 'lake'))
    expect(fromLake).toEqual(fromLog.map(({ origin: _, ...record }) => record))
    for (const { origin } of fromLog)
      expect(origin).toEqual({ key: null, headers: [], timestampMs: 1_000, appendTimeMs: 1_000 })
  }
  const [first] = await epochsOf(world)
  expect((await records(reader.read(first, topics, 'lake'))).map(told)).toEqual([
    ...between(0, 4).map(([offset, value]) => ({ epoch: 1, topic: 't', partition: 0, offset, value })),
    ...['a', 'b', 'c'].map((value, offset) => ({ epoch: 1, topic: 'u', partition: 0, offset, value })),
  ])
  expect(await records(reader.read(first, new Set(['u']), 'log'))).toHaveLength(3)
  expect(await records(reader.read(first, new Set(['other']), 'lake'))).toEqual([])
})

test('what the log has let go of is read from the lake, and before it has landed that is damage', async () => {
  const world = await openWorld(undefined, { segmentBytes: 0 })
  await world.append('t', ['0', '1'])
  await world.append('t', ['2'])
  await world.take(['t'])
  const reader = readerOf(world)
  const openEpoch = (await collect(world.epochs.epochsAfter(0)))[0]!
  await world.log.retain({ ageMs: -1, bytesMax: null }, () => 100)
  expect(world.log.offsets('t', 0).start).toBe(2)
  await expect(records(reader.read(openEpoch, topics, 'log'))).rejects.toMatchObject({
    code: 'LAKE_DAMAGED',
    message: 'epoch 1 has not landed, and the log no longer holds it',
  })

  const other = await openWorld(undefined, { segmentBytes: 0 })
  await other.append('t', ['0', '1'])
  await other.append('t', ['2'])
  await other.take(['t'])
  await other.landing.land(await other.land(2), other.log)
  await other.log.retain({ ageMs: -1, bytesMax: null }, () => 100)
  const [epoch] = await collect(other.epochs.epochsAfter(0))
  const found = await records(readerOf(other).read(epoch!, topics, 'log'))
  expect(found.map(({ value }) => textOf(value))).toEqual(['0', '1', '2'])
  expect(found.every(({ origin }) => origin === undefined)).toBe(true)
})

test('an epoch that another worker has landed since it was told is read from the lake', async () => {
  const world = await openWorld(undefined, { segmentBytes: 0 })
  await world.append('t', ['0', '1'])
  await world.append('t', ['2'])
  await world.take(['t'])
  const slow = await EpochLog.open(world.store, 'p')
  const [open] = await collect(slow.epochsAfter(0))
  await world.landing.land(await world.land(2), world.log)
  await world.log.retain({ ageMs: -1, bytesMax: null }, () => 100)
  const reader = readerOf({ ...world, epochs: slow })
  const found = await records(reader.read(open!, topics, 'log'))
  expect(found.map(({ value }) => textOf(value))).toEqual(['0', '1', '2'])
})

test('a log or a lake that holds other than what the epoch counts is damage', async () => {
  const world = await landed(3)
  const reader = readerOf(world)
  const [first] = await epochsOf(world)
  const wrong = { ...first, ranges: first.ranges.map((range) => ({ ...range, count: range.count + 1 })) }
  await expect(records(reader.read(wrong, topics, 'lake'))).rejects.toMatchObject({
    code: 'LAKE_DAMAGED',
    message: 'the lake holds 4 records at offsets 0 to 3 of t/0, the epoch log says 5',
  })
  // What has landed is looked for in the lake as well: an adopted log may stand where it was.
  await expect(records(reader.read(wrong, topics, 'log'))).rejects.toMatchObject({ code: 'LAKE_DAMAGED' })
  const { land: _, ...waiting } = wrong
  await expect(records(reader.read(waiting, topics, 'log'))).rejects.toMatchObject({ code: 'EPOCHS_DAMAGED' })
})
