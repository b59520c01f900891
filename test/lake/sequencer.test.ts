import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EpochLog, Sequencer, type SequencerOptions } from '../../src/lake/index.ts'
import { collect, rangesOf } from './support.ts'
import { openWorld, type World } from './world.ts'

const usual = {
  topics: ['*'],
  take: { ageMs: 250, recordsMax: 100, bytesMax: 1_000 },
  land: { ageMs: 5_000, bytesMax: 10_000, flushSize: 1_000 },
}

const sequencerOf = (
  world: World,
  changed: Partial<SequencerOptions> = {},
  epochs = world.epochs,
): Sequencer => new Sequencer(world.log, epochs, { ...usual, clock: () => world.clock.nowMs, ...changed })

const kinds = (epochs: EpochLog): [takes: number, lands: number] => [
  epochs.openTakes.length,
  epochs.newestLand,
]
const digits = (count: number, length = 1): string[] =>
  Array.from({ length: count }, () => '1'.repeat(length))

test('a take is due when the oldest record has waited long enough, and holds all that waits', async () => {
  const world = await openWorld()
  const sequencer = sequencerOf(world)
  expect(await sequencer.step()).toBe(false)
  await world.append('t', digits(2))
  world.clock.nowMs += 100
  await world.append('u', digits(3))
  world.clock.nowMs += 149
  expect(await sequencer.step()).toBe(false)
  world.clock.nowMs += 1
  expect(await sequencer.step()).toBe(true)
  expect(await rangesOf(world.epochs)).toEqual(['1> t/0 0-2', '1> u/0 0-3'])
  expect(world.epochs.openTakes[0]).toMatchObject({ timeMs: 1_250, ranges: [{ count: 2, bytes: 2 }, {}] })
  expect(await sequencer.step()).toBe(false)
})

test.each([
  ['records', digits(60), 1],
  ['bytes', digits(2, 250), 0],
])('a take is due at once when so many %s wait in all', async (_, values, least) => {
  const world = await openWorld()
  const sequencer = sequencerOf(world)
  await world.append('t', values)
  expect(await sequencer.step()).toBe(false)
  await world.append('u', values)
  expect(await sequencer.step()).toBe(true)
  expect(world.epochs.openTakes.length).toBeGreaterThan(least - 1)
})

test('a take is within its bounds, but for a single record that is not', async () => {
  const world = await openWorld({ t: 3 })
  const sequencer = sequencerOf(world)
  await world.append('t', digits(250))
  await world.append('t', [...digits(3, 400), ...digits(1, 5_000), ...digits(2, 10)], 1)
  await world.append('t', digits(30), 2)
  while (await sequencer.step(true));
  const takes = await collect(world.epochs.epochsAfter(0))
  for (const { ranges } of takes) {
    const records = ranges.reduce((sum, { count }) => sum + count, 0)
    const bytes = ranges.reduce((sum, range) => sum + range.bytes, 0)
    expect(records).toBeLessThanOrEqual(100)
    expect(bytes <= 1_000 || records === 1).toBe(true)
  }
  expect(world.epochs.ends().map(({ to }) => to)).toEqual([250, 6, 30])
})

test('those that wait longest go first: nobody waits for ever beside one that is always full', async () => {
  const world = await openWorld()
  const sequencer = sequencerOf(world)
  await world.append('t', digits(100))
  world.clock.nowMs += 1
  await world.append('u', digits(1))
  world.clock.nowMs += 1
  await world.append('t', digits(300))
  await sequencer.step()
  await sequencer.step()
  expect((await rangesOf(world.epochs)).slice(0, 2)).toEqual(['1> t/0 0-100', '2> u/0 0-1'])
})

test('whatever was appended, it is all taken once, in order, and landed, in steps that say when none is left', async () => {
  const append = fc.record({
    partition: fc.nat(2),
    count: fc.integer({ min: 1, max: 40 }),
    size: fc.nat(60),
    waitMs: fc.nat(300),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(append, { maxLength: 15 }), async (appends) => {
      const world = await openWorld({ t: 3 })
      const sequencer = sequencerOf(world)
      for (const { partition, count, size, waitMs } of appends) {
        await world.append('t', digits(count, size), partition)
        world.clock.nowMs += waitMs
        await sequencer.step()
      }
      while (await sequencer.step(true));
      expect(world.epochs.openTakes).toEqual([])
      for (const partition of [0, 1, 2]) {
        const { end } = world.log.offsets('t', partition)
        expect(world.epochs.position('t', partition)).toBe(end)
        const all = (await collect(world.epochs.epochsAfter(0))).flatMap(({ ranges }) =>
          ranges.filter((range) => range.partition === partition),
        )
        expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(end)
      }
    }),
    { numRuns: 20 },
  )
})

test.each([
  ['age', { ageMs: 100 }],
  ['bytes', { bytesMax: 90 }],
  ['records of a topic partition', { flushSize: 50 }],
])('a land is due by %s', async (_, limit) => {
  const world = await openWorld()
  const epochs = world.epochs
  const take = { ageMs: 10, recordsMax: 100, bytesMax: 1_000 }
  const sequencer = sequencerOf(world, { take, land: { ...usual.land, ...limit } })
  for (let round = 0; round < 2; round++) {
    await world.append('t', digits(15))
    await world.append('t', digits(20), 1)
    world.clock.nowMs += 10
    await sequencer.step()
    expect(kinds(epochs)).toEqual([round + 1, 0])
    world.clock.nowMs += 10
    expect(await sequencer.step()).toBe(false)
  }
  await world.append('t', digits(20))
  world.clock.nowMs += 70
  await sequencer.step()
  expect(kinds(epochs)).toEqual([0, 4])
  expect((await epochs.landEntry(4)).takes.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
})

test('in a hurry, what waits is taken however young, and landed once nothing waits', async () => {
  const world = await openWorld()
  const sequencer = sequencerOf(world)
  await world.append('t', digits(1))
  expect(await sequencer.step(true)).toBe(true)
  expect(kinds(world.epochs)).toEqual([1, 0])
  expect(await sequencer.step(true)).toBe(true)
  expect(kinds(world.epochs)).toEqual([0, 2])
  expect(await sequencer.step(true)).toBe(false)
})

test('a clock that was set back makes takes and lands due, never late', async () => {
  const world = await openWorld()
  const sequencer = sequencerOf(world)
  world.clock.nowMs = 1_000_000
  await world.append('t', digits(1))
  world.clock.nowMs = 500
  expect(await sequencer.step()).toBe(true)
  expect(kinds(world.epochs)).toEqual([1, 0])
  world.clock.nowMs = 400
  expect(await sequencer.step()).toBe(true)
  expect(kinds(world.epochs)).toEqual([0, 2])
})

test.each([
  [['*'], ['a', 'a.b', '.x', '_own']],
  [['a'], ['a']],
  [['a.*'], ['a.b']],
  [['*b'], ['a.b']],
  [['*.*'], ['a.b', '.x']],
  [
    ['a', '_*'],
    ['a', '_own'],
  ],
  [['A', 'a*c', 'a?b', '(a|b)', 'a|b', ''], []],
  [[], []],
])('patterns %j take the topics %j', async (topics, taken) => {
  const world = await openWorld({ a: 1, 'a.b': 1, '.x': 1, _own: 1 })
  const sequencer = sequencerOf(world, { topics })
  const all = ['a', 'a.b', '.x', '_own']
  for (const topic of all) await world.append(topic, digits(1))
  while (await sequencer.step(true));
  expect(all.filter((topic) => sequencer.takes(topic))).toEqual(taken)
  expect(world.epochs.ends().map(({ topic }) => topic)).toEqual(taken.toSorted())
})

test('what the log let go of while its topic was not taken is entered as lost, and the rest taken', async () => {
  const world = await openWorld({ t: 1 }, { segmentBytes: 0 })
  for (const value of ['a', 'b', 'c']) await world.append('t', [value])
  expect(await sequencerOf(world, { topics: ['other'] }).step(true)).toBe(false)
  await world.log.retain({ ageMs: -1, bytesMax: null }, () => 100)
  expect(world.log.offsets('t', 0)).toEqual({ start: 2, end: 3 })
  const sequencer = sequencerOf(world)
  while (await sequencer.step(true));
  expect(world.epochs.ends()).toEqual([{ topic: 't', partition: 0, to: 3, records: 1, lost: 2, skipped: 0 }])
  expect(await rangesOf(world.epochs)).toEqual(['2>3 t/0 2-3'])
})
