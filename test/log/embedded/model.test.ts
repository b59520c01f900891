/** Random lives of a log, compared with a list in memory. */
import { rm } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NewRecord } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'
import { given, newRecord, wellFormed } from '../../contract/log.ts'
import { everything, options, temporaryFolder } from './support.ts'

/** A record, or an offset that was left out. */
type Slot = Required<NewRecord> | undefined

interface Model {
  /** By partition. */
  records: Slot[][]
  /** Offsets below are no longer needed. */
  keepFrom: number[]
  times: number[][]
}

interface Real {
  folder: string
  clock: { nowMs: number }
  log: EmbeddedLog
}

type Command = fc.AsyncCommand<Model, Real>

const partitions = 3
const partition = fc.nat(partitions - 1)

async function openLog(folder: string, clock: { nowMs: number }): Promise<EmbeddedLog> {
  return EmbeddedLog.open(folder, {
    ...options,
    segmentBytes: 300,
    segmentAgeMs: 500,
    clock: () => clock.nowMs,
  })
}

const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => name,
})

const appends = fc
  .array(fc.tuple(partition, fc.array(newRecord, { minLength: 1, maxLength: 5 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((together) =>
    command(`append ${together.map(([to, { length }]) => `${length} to ${to}`)}`, async (model, { log }) => {
      const expected = together.map(([to, records]) => {
        const baseOffset = model.records[to]!.length
        model.records[to]!.push(...records.map(wellFormed))
        return baseOffset
      })
      const appended = await Promise.all(
        together.map(([to, records]) => log.append({ topic: 't', partition: to, records })),
      )
      expect(appended.map(({ baseOffset }) => baseOffset)).toEqual(expected)
      for (const [place, [to, records]] of together.entries())
        model.times[to]!.push(...records.map(() => appended[place]!.appendTimeMs))
    }),
  )

const reads = fc.tuple(partition, fc.nat(60), fc.nat(20), fc.nat(400)).map(([of, from, records, bytes]) =>
  command(`read ${of} from ${from}, ${records} records, ${bytes} bytes`, async (model, { log }) => {
    const { start } = log.offsets('t', of)
    if (from < start) {
      const gone = expect.objectContaining({ code: 'OFFSET_OUT_OF_RANGE' })
      expect(() => log.read('t', of, from, everything)).toThrow(gone)
      return
    }
    const expected = within(model.records[of]!, from, { records, bytes })
    const found = log.read('t', of, from, { records, bytes })
    expect(found.map((record) => [record.offset, given(record)])).toEqual(expected)
    const extent = log.extent('t', of, from, { records, bytes })
    expect(extent?.count ?? 0).toBe(found.length)
    if (extent) expect(extent.to).toBe(found.at(-1)!.offset + 1)
  }),
)

const timeLookups = fc.tuple(partition, fc.nat(3_000)).map(([of, timeMs]) =>
  command(`offset of ${of} at ${timeMs}`, async (model, { log }) => {
    const { start, end } = log.offsets('t', of)
    const times = model.times[of]!
    let first = start
    while (first < end && (times[first] ?? -1) < timeMs) first++
    while (first < end && model.records[of]![first] === undefined) first++
    expect(log.offsetAt('t', of, timeMs)).toBe(first)
  }),
)

const retentions = fc.tuple(partition, fc.nat(60), fc.boolean()).map(([of, keep, aged]) =>
  command(`keep ${of} from ${keep}${aged ? ', by age' : ''}`, async (model, { log }) => {
    model.keepFrom[of] = Math.max(model.keepFrom[of]!, keep)
    const limits = aged ? { ageMs: 400, bytesMax: null } : { ageMs: 1e9, bytesMax: 0 }
    await log.retain(limits, (_, number) => model.keepFrom[number]!)
    for (const [number, records] of model.records.entries()) {
      const { start, end } = log.offsets('t', number)
      expect(start).toBeLessThanOrEqual(Math.min(model.keepFrom[number]!, end))
      expect(end).toBe(records.length)
    }
  }),
)

const reopen = command('reopen', async (_, real) => {
  const before = [0, 1, 2].map((number) => real.log.offsets('t', number))
  await real.log.close()
  real.log = await openLog(real.folder, real.clock)
  expect([0, 1, 2].map((number) => real.log.offsets('t', number))).toEqual(before)
})

const leaps = fc.tuple(partition, fc.integer({ min: 1, max: 9 })).map(([of, by]) =>
  command(`continue ${of} after ${by} more`, async (model, { log }) => {
    const to = model.records[of]!.length + by
    await log.continueFrom([{ topic: 't', partition: of, to }])
    const left = Array.from({ length: by }, () => undefined)
    model.records[of]!.push(...left)
    // Times are looked up among records: what was left out is as old as what came before it.
    model.times[of]!.push(...left.map(() => model.times[of]!.at(-1) ?? 0))
  }),
)

const ticks = fc.integer({ min: -300, max: 400 }).map((ms) =>
  command(`clock ${ms}`, async (_, { clock }) => {
    clock.nowMs = Math.max(0, clock.nowMs + ms)
  }),
)

function within(
  records: Slot[],
  from: number,
  limit: { records: number; bytes: number },
): [number, Required<NewRecord>][] {
  const found: [number, Required<NewRecord>][] = []
  let bytes = 0
  for (const [offset, record] of records.entries()) {
    if (offset < from || record === undefined) continue
    bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
    if (found.length > 0 && (found.length >= limit.records || bytes > limit.bytes)) break
    found.push([offset, record])
  }
  return found
}

test('whatever is done to it, a log holds what a list would', async () => {
  const root = await temporaryFolder()
  let runs = 0
  const commands = fc.commands(
    [appends, appends, reads, reads, timeLookups, retentions, fc.constant(reopen), ticks, leaps],
    { maxCommands: 30 },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const folder = `${root}/${runs++}`
      const clock = { nowMs: 1_000 }
      const log = await openLog(folder, clock)
      await log.createTopic('t', { partitions, partitioner: 'kafka' })
      const real = { folder, clock, log }
      const empty = () => Array.from({ length: partitions }, () => [])
      const model = { records: empty(), keepFrom: [0, 0, 0], times: empty() }
      try {
        await fc.asyncModelRun(() => ({ model, real }), sequence)
        for (const [of, records] of model.records.entries()) {
          const { start } = real.log.offsets('t', of)
          const expected = within(records, start, everything)
          expect(real.log.read('t', of, start, everything).map((r) => [r.offset, given(r)])).toEqual(expected)
        }
      } finally {
        await real.log.close()
        await rm(folder, { recursive: true })
      }
    }),
    { numRuns: 80 },
  )
})
