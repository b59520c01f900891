/** What every log does, whatever keeps it. @see src/log/log.ts */
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Clock, LogRecord, NewRecord } from '../../src/core/index.ts'
import { kafkaPartition, kinesisHash, kinesisPartition, type Log } from '../../src/log/index.ts'

export interface LogUnderTest {
  log: Log
  /** Close it, and open what it has left. */
  reopen(): Promise<Log>
  remove(): Promise<void>
}

export interface LogSetting {
  clock: Clock
  recordBytesMax: number
}

const everything = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }

export const text = (value: string): NewRecord => ({ key: null, value: Buffer.from(value) })

/** A record as it was given to the log. */
export function given({ key, value, headers, timestampMs }: LogRecord): Required<NewRecord> {
  return { key, value, headers, timestampMs }
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const maybeBytes = fc.option(bytes, { freq: 4 })

export const newRecord: fc.Arbitrary<Required<NewRecord>> = fc.record({
  key: maybeBytes,
  value: maybeBytes,
  headers: fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 8 }), maybeBytes), { maxLength: 3 }),
  timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
})

/** Half a surrogate pair has no UTF-8. */
export function wellFormed(record: Required<NewRecord>): Required<NewRecord> {
  return { ...record, headers: record.headers.map(([name, value]) => [name.toWellFormed(), value]) }
}

export function describeLog(name: string, open: (setting: LogSetting) => Promise<LogUnderTest>): void {
  let nowMs = 1_000
  const recordBytesMax = 1_000

  async function openLog(): Promise<LogUnderTest> {
    nowMs = 1_000
    const opened = await open({ clock: () => nowMs, recordBytesMax })
    onTestFinished(() => opened.remove())
    return opened
  }

  async function openTopic(partitions = 1): Promise<LogUnderTest> {
    const opened = await openLog()
    await opened.log.createTopic('t', { partitions, partitioner: 'kafka' })
    return opened
  }

  describe(`${name}: topics`, () => {
    test('are listed by name, and are there again with the same log id when it is opened again', async () => {
      const { log, reopen } = await openLog()
      expect(log.topics()).toEqual([])
      const b = await log.createTopic('b', { partitions: 2, partitioner: 'kafka' })
      const a = await log.createTopic('a', { partitions: 1, partitioner: 'kinesis' })
      expect(b).toEqual({ name: 'b', partitions: 2, partitioner: 'kafka', createdMs: 1_000 })
      expect(log.topics()).toEqual([a, b])
      const again = await reopen()
      expect(again.id).toBe(log.id)
      expect(again.topics()).toEqual([a, b])
      expect(again.topic('b')).toEqual(b)
    })

    test('of two made under one name at once, one is made', async () => {
      const { log } = await openLog()
      const options = { partitions: 1, partitioner: 'kafka' } as const
      const made = await Promise.allSettled([1, 2, 3].map(() => log.createTopic('t', options)))
      expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
      await expect(log.createTopic('t', options)).rejects.toMatchObject({ code: 'TOPIC_EXISTS' })
      expect(log.topics()).toHaveLength(1)
    })

    test.each(['', '.', '..', 'a/b', 'a b', 'ä', 'a\n', 'a\0', 'x'.repeat(250)])(
      'no topic is called %j',
      async (topic) => {
        const { log } = await openLog()
        const made = log.createTopic(topic, { partitions: 1, partitioner: 'kafka' })
        await expect(made).rejects.toMatchObject({ code: 'TOPIC_NAME_INVALID' })
        expect(log.topics()).toEqual([])
      },
    )

    test('and partitions that are unknown are refused by every method', async () => {
      const { log } = await openTopic()
      const calls = (topic: string, partition: number): (() => unknown)[] => [
        () => log.offsets(topic, partition),
        () => log.read(topic, partition, 0, everything),
        () => log.extent(topic, partition, 0, everything),
        () => log.offsetAt(topic, partition, 0),
      ]
      for (const call of calls('no', 0))
        expect(call).toThrow(expect.objectContaining({ code: 'TOPIC_UNKNOWN' }))
      for (const partition of [-1, 1, 0.5]) {
        for (const call of calls('t', partition))
          expect(call).toThrow(expect.objectContaining({ code: 'PARTITION_UNKNOWN' }))
      }
      const append = (topic: string, partition: number) =>
        log.append({ topic, partition, records: [text('a')] })
      await expect(append('no', 0)).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' })
      await expect(append('t', 1)).rejects.toMatchObject({ code: 'PARTITION_UNKNOWN' })
      expect(() => log.topic('no')).toThrow(expect.objectContaining({ code: 'TOPIC_UNKNOWN' }))
      expect(() => log.partitionFor('no', null)).toThrow(expect.objectContaining({ code: 'TOPIC_UNKNOWN' }))
    })

    test('their partitioner chooses the partition of a key, and spreads what has none', async () => {
      const { log } = await openTopic(5)
      await log.createTopic('s', { partitions: 5, partitioner: 'kinesis' })
      for (const key of ['', 'a', 'posts', '\u{1f4cc}'].map((name) => Buffer.from(name))) {
        expect(log.partitionFor('t', key)).toBe(kafkaPartition(key, 5))
        expect(log.partitionFor('s', key)).toBe(kinesisPartition(kinesisHash(key), 5))
      }
      const keyless = Array.from({ length: 10 }, () => log.partitionFor('t', null))
      for (const partition of [0, 1, 2, 3, 4])
        expect(keyless.filter((one) => one === partition)).toHaveLength(2)
    })
  })

  describe(`${name}: appending`, () => {
    test('gives dense offsets from 0, each partition its own', async () => {
      const { log } = await openTopic(2)
      expect(log.offsets('t', 0)).toEqual({ start: 0, end: 0 })
      const append = (partition: number, ...values: string[]) =>
        log.append({ topic: 't', partition, records: values.map(text) })
      expect(await append(0, 'a', 'b')).toEqual({ baseOffset: 0, appendTimeMs: 1_000 })
      expect(await append(0, 'c')).toMatchObject({ baseOffset: 2 })
      expect(await append(1, 'd')).toMatchObject({ baseOffset: 0 })
      expect(log.offsets('t', 0)).toEqual({ start: 0, end: 3 })
      expect(log.offsets('t', 1)).toEqual({ start: 0, end: 1 })
      expect(log.read('t', 0, 0, everything).map(({ offset, value }) => `${offset}${value}`)).toEqual([
        '0a',
        '1b',
        '2c',
      ])
    })

    test('gives records back as they were, keys, values, headers and times, also when opened again', async () => {
      const { log, reopen } = await openTopic()
      const records = fc.sample(newRecord, { numRuns: 200, seed: 1 })
      const [first, ...others] = records
      await log.append({ topic: 't', partition: 0, records: [first!] })
      await log.append({ topic: 't', partition: 0, records: others })
      const expected = records.map(wellFormed)
      expect(log.read('t', 0, 0, everything).map(given)).toEqual(expected)
      expect((await reopen()).read('t', 0, 0, everything).map(given)).toEqual(expected)
    })

    test('a record without a time of its own has that of its append', async () => {
      const { log } = await openTopic()
      await log.append({ topic: 't', partition: 0, records: [text('a'), { ...text('b'), timestampMs: 5 }] })
      const found = log.read('t', 0, 0, everything)
      expect(found.map(({ timestampMs }) => timestampMs)).toEqual([1_000, 5])
      expect(found.map(({ appendTimeMs }) => appendTimeMs)).toEqual([1_000, 1_000])
    })

    test('at once by many keeps density, the order of the calls, and the records of one together', async () => {
      const { log } = await openTopic(2)
      const appended = await Promise.all(
        Array.from({ length: 80 }, (_, call) =>
          log.append({
            topic: 't',
            partition: call % 2,
            records: Array.from({ length: 1 + (call % 4) }, (_, place) => text(`${call}.${place}`)),
          }),
        ),
      )
      for (const partition of [0, 1]) {
        const found = log.read('t', partition, 0, everything)
        expect(found.map(({ offset }) => offset)).toEqual(found.map((_, place) => place))
        const calls = Array.from({ length: 80 }, (_, call) => call).filter((call) => call % 2 === partition)
        expect(found.map(({ value }) => String(value))).toEqual(
          calls.flatMap((call) => Array.from({ length: 1 + (call % 4) }, (_, place) => `${call}.${place}`)),
        )
        for (const call of calls) expect(String(found[appended[call]!.baseOffset]?.value)).toBe(`${call}.0`)
      }
    })

    test('has times that never go back, whatever the clock does', async () => {
      const { log, reopen } = await openTopic()
      const append = (to: Log) => to.append({ topic: 't', partition: 0, records: [text('a')] })
      const times: number[] = []
      for (const [at, now] of [1_000, 5_000, 2_000, 1, 6_000].entries()) {
        nowMs = now
        times.push((await append(log)).appendTimeMs)
        expect(log.read('t', 0, at, everything)[0]?.appendTimeMs).toBe(times[at])
      }
      expect(times).toEqual([1_000, 5_000, 5_000, 5_000, 6_000])
      nowMs = 3_000
      expect((await append(await reopen())).appendTimeMs).toBe(6_000)
    })

    test('a record too large is refused before any of its append is in the log', async () => {
      const { log } = await openTopic()
      const sized = (key: number, value: number, header: number): NewRecord => ({
        key: Buffer.alloc(key),
        value: Buffer.alloc(value),
        headers: [['h', Buffer.alloc(header)]],
      })
      const append = (record: NewRecord) =>
        log.append({ topic: 't', partition: 0, records: [text('fine'), record] })
      for (const large of [
        { key: null, value: Buffer.alloc(recordBytesMax + 1) },
        { key: Buffer.alloc(recordBytesMax + 1), value: null },
        sized(100, 800, 100),
      ]) {
        await expect(append(large)).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' })
      }
      expect(log.offsets('t', 0).end).toBe(0)
      await append({ key: null, value: Buffer.alloc(recordBytesMax) })
      await append(sized(100, 800, 99))
      expect(log.offsets('t', 0).end).toBe(4)
    })

    test('tells its listeners after each commit, until they are ended', async () => {
      const { log } = await openTopic()
      const ends: number[] = []
      const end = log.onAppend(() => ends.push(log.offsets('t', 0).end))
      await log.append({ topic: 't', partition: 0, records: [text('a'), text('b')] })
      await log.append({ topic: 't', partition: 0, records: [text('c')] })
      end()
      await log.append({ topic: 't', partition: 0, records: [text('d')] })
      expect(ends).toEqual([2, 3])
    })
  })

  describe(`${name}: reading`, () => {
    async function openFilled(): Promise<Log> {
      const { log } = await openTopic()
      for (const [index, count] of [3, 1, 10, 1, 5].entries()) {
        nowMs = 1_000 + index * 10
        const records = Array.from({ length: count }, (_, place) => text('x'.repeat(1 + (place % 7) * 3)))
        await log.append({ topic: 't', partition: 0, records })
      }
      return log
    }

    test('begins anywhere and ends at its limits, and at the end is empty', async () => {
      const log = await openFilled()
      const all = log.read('t', 0, 0, everything)
      expect(all).toHaveLength(20)
      for (let from = 0; from < 20; from++) {
        expect(log.read('t', 0, from, everything)).toEqual(all.slice(from))
        expect(log.read('t', 0, from, { ...everything, records: 4 })).toEqual(all.slice(from, from + 4))
        expect(log.read('t', 0, from, { ...everything, bytes: 0 })).toEqual([all[from]])
      }
      for (const from of [20, 21, 1_000]) expect(log.read('t', 0, from, everything)).toEqual([])
    })

    test('gives at most as many bytes as are asked for, after the first record', async () => {
      const log = await openFilled()
      for (const limit of [1, 5, 30, 100]) {
        for (let from = 0; from < 20; from++) {
          const sizes = log
            .read('t', 0, from, { ...everything, bytes: limit })
            .map(({ value }) => value!.length)
          const total = sizes.reduce((sum, size) => sum + size, 0)
          expect(sizes.length === 1 || total <= limit).toBe(true)
          const next = log.read('t', 0, from + sizes.length, { ...everything, records: 1 })[0]
          if (next) expect(total + next.value!.length).toBeGreaterThan(limit)
        }
      }
    })

    test('covers what the extent with the same limits says', async () => {
      const log = await openFilled()
      fc.assert(
        fc.property(fc.nat(22), fc.nat(25), fc.nat(250), (from, records, bytes) => {
          const found = log.read('t', 0, from, { records, bytes })
          const extent = log.extent('t', 0, from, { records, bytes })
          if (found.length === 0) expect(extent).toBeUndefined()
          else {
            expect(extent).toEqual({
              to: found.at(-1)!.offset + 1,
              count: found.length,
              bytes: found.reduce((sum, { value }) => sum + value!.length, 0),
              oldestMs: found[0]!.appendTimeMs,
            })
          }
        }),
        { numRuns: 300 },
      )
    })

    test('finds the first record appended at or after a time', async () => {
      const log = await openFilled()
      const all = log.read('t', 0, 0, everything)
      for (let timeMs = 995; timeMs < 1_050; timeMs++) {
        const first = all.find(({ appendTimeMs }) => appendTimeMs >= timeMs)
        expect(log.offsetAt('t', 0, timeMs)).toBe(first?.offset ?? 20)
      }
    })

    test('of an empty partition finds its end at any time', async () => {
      const { log } = await openTopic()
      for (const timeMs of [0, 1_000, 1e12]) expect(log.offsetAt('t', 0, timeMs)).toBe(0)
      expect(log.extent('t', 0, 0, everything)).toBeUndefined()
    })
  })

  describe(`${name}: closing`, () => {
    test('keeps what was appended before it, and refuses what comes later', async () => {
      const { log, reopen } = await openTopic()
      const waiting = Array.from({ length: 20 }, () =>
        log.append({ topic: 't', partition: 0, records: [text('a')] }),
      )
      const closed = log.close()
      const late = log.append({ topic: 't', partition: 0, records: [text('late')] })
      await expect(late).rejects.toMatchObject({ code: 'STOPPING' })
      await Promise.all([...waiting, closed, log.close()])
      expect((await reopen()).offsets('t', 0).end).toBe(20)
    })
  })
}
