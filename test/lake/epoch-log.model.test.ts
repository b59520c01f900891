/** Random histories of three workers over one store, compared with a plain list of entries. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EpochLog, type Range } from '../../src/lake/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'
import { collect, hourMs, logId, range } from './support.ts'

type ModelEntry = { kind: 'take'; ranges: Range[] } | { kind: 'land' }

interface World {
  clock: { nowMs: number }
  store: MemoryStore
  workers: EpochLog[]
  /** Entry n is at n − 1. */
  entries: ModelEntry[]
}

type Write = { kind: 'take'; lengths: number[] } | { kind: 'land' }
type Act =
  | { act: 'write'; writes: { worker: number; write: Write }[] }
  | { act: 'refresh' | 'reopen' | 'delete'; worker: number }
  | { act: 'wait'; ms: number }

const topics = ['a', 'b']
const worker = fc.nat(2)
const write: fc.Arbitrary<Write> = fc
  .oneof(
    { arbitrary: fc.array(fc.nat(3), { minLength: 2, maxLength: 2 }), weight: 3 },
    { arbitrary: fc.constant(undefined), weight: 1 },
  )
  .map((lengths) => (lengths ? { kind: 'take', lengths } : { kind: 'land' }))

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .uniqueArray(fc.record({ worker, write }), {
        minLength: 1,
        maxLength: 3,
        selector: (one) => one.worker,
      })
      .map((writes): Act => ({ act: 'write', writes })),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('refresh', 'reopen', 'delete'), worker }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1_000, hourMs / 3, 2 * hourMs).map((ms): Act => ({ act: 'wait', ms })),
  },
)

function rangesFrom(log: EpochLog, lengths: number[]): Range[] {
  return lengths.flatMap((length, at) => {
    const from = log.position(topics[at]!, 0)
    return length === 0 ? [] : [range(topics[at]!, from, from + length)]
  })
}

/** The takes of a list, each with the land that repeats it. */
function epochsOf(entries: ModelEntry[]): { epoch: number; land: number | undefined; ranges: Range[] }[] {
  return entries.flatMap((entry, at) => {
    if (entry.kind === 'land') return []
    const land = entries.findIndex(({ kind }, place) => place > at && kind === 'land')
    return [{ epoch: at + 1, land: land < 0 ? undefined : land + 1, ranges: entry.ranges }]
  })
}

async function expectAgreed(log: EpochLog, entries: ModelEntry[]): Promise<void> {
  const expected = epochsOf(entries)
  const epochs = await collect(log.epochsAfter(0))
  expect(epochs.map(({ epoch, land, ranges }) => ({ epoch, land, ranges }))).toEqual(expected)
  expect(log.openTakes.map(({ epoch }) => epoch)).toEqual(
    expected.filter(({ land }) => land === undefined).map(({ epoch }) => epoch),
  )
  expect(log.newest).toBe(entries.length)
  expect(log.newestLand).toBe(entries.findLastIndex(({ kind }) => kind === 'land') + 1)
  const total = new Map<string, number>()
  for (const { topic, from, to } of expected.flatMap(({ ranges }) => ranges)) {
    expect(from).toBe(total.get(topic) ?? 0)
    total.set(topic, to)
  }
  expect(new Map(log.ends().map(({ topic, to }) => [topic, to]))).toEqual(total)
  expect(log.ends().map(({ records }) => records)).toEqual(log.ends().map(({ to }) => to))
}

async function perform(world: World, { act, ...how }: Act): Promise<void> {
  const { clock, store, workers, entries } = world
  if ('ms' in how) clock.nowMs += how.ms
  else if ('writes' in how) {
    const head = entries.length
    const entered = await Promise.all(
      how.writes.map(async ({ worker, write }) => {
        const log = workers[worker]!
        const atHead = log.newest === head
        const entry: ModelEntry =
          write.kind === 'take' ? { kind: 'take', ranges: rangesFrom(log, write.lengths) } : write
        const epoch = entry.kind === 'take' ? await log.take(logId, entry.ranges) : await log.land(logId, 100)
        return { epoch, entry, atHead }
      }),
    )
    const winners = entered.filter(({ epoch }) => epoch !== undefined)
    expect(winners.length).toBe(entered.some(({ atHead }) => atHead) ? 1 : 0)
    for (const { epoch, entry } of winners) {
      expect(epoch).toBe(head + 1)
      entries.push(entry)
    }
  } else if (act === 'delete') await workers[how.worker]!.deleteOldTakes()
  else {
    if (act === 'reopen') workers[how.worker] = await EpochLog.open(store, 'p', () => clock.nowMs)
    else await workers[how.worker]!.refresh()
    await expectAgreed(workers[how.worker]!, entries)
  }
}

test('whoever writes when, however long it slept, all read the one list of those who were first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      const clock = { nowMs: 0 }
      const store = new MemoryStore(() => clock.nowMs)
      const open = () => EpochLog.open(store, 'p', () => clock.nowMs)
      const world: World = { clock, store, workers: [await open(), await open(), await open()], entries: [] }
      for (const one of acts) await perform(world, one)
      for (const log of world.workers) {
        await log.refresh()
        await expectAgreed(log, world.entries)
      }
      await expectAgreed(await open(), world.entries)
    }),
    { numRuns: 150 },
  )
})
