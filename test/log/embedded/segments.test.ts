import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { open as openLmdb } from 'lmdb'
import { expect, test } from 'vitest'
import { EmbeddedLog } from '../../../src/log/index.ts'
import { text } from '../../contract/log.ts'
import { everything, openLog, options, temporaryFolder, valuesOf } from './support.ts'

const segmentsIn = (folder: string): string[] =>
  readdirSync(`${folder}/segments`).filter((name) => name.endsWith('.lmdb'))
const path = (folder: string, sequence: number): string =>
  `${folder}/segments/${String(sequence).padStart(20, '0')}.lmdb`

const one = { partitions: 1, partitioner: 'kafka' } as const
const append = (log: EmbeddedLog, value: string, topic = 't') =>
  log.append({ topic, partition: 0, records: [text(value)] })
const large = 'x'.repeat(2_000)

/** A log with one segment for each value. */
async function filled(folder: string, values: string[]): Promise<void> {
  const log = await EmbeddedLog.open(folder, { ...options, segmentBytes: 0 })
  if (log.topics().length === 0) await log.createTopic('t', one)
  for (const value of values) await append(log, value)
  await log.close()
}

test('a segment that holds enough is followed by a new one, also when it held that before a restart', async () => {
  const folder = await temporaryFolder()
  const log = await openLog(folder, { segmentBytes: 20_000 })
  await log.createTopic('t', one)
  for (let count = 0; count < 6; count++) await append(log, large)
  expect(segmentsIn(folder)).toHaveLength(1)
  await log.close()
  const again = await openLog(folder, { segmentBytes: 20_000 })
  for (let count = 0; count < 8; count++) await append(again, large)
  expect(segmentsIn(folder)).toHaveLength(2)
  expect(valuesOf(again, 't')).toHaveLength(14)
})

test('a segment that is old enough is followed by a new one, unless nothing is in it', async () => {
  const folder = await temporaryFolder()
  let nowMs = 0
  const log = await openLog(folder, { segmentAgeMs: 100, clock: () => nowMs })
  await log.createTopic('t', one)
  nowMs = 1_000
  await append(log, 'a')
  expect(segmentsIn(folder)).toHaveLength(1)
  await append(log, 'b')
  expect(segmentsIn(folder)).toHaveLength(2)
  await log.close()
  const again = await openLog(folder, { segmentAgeMs: 100, clock: () => nowMs })
  expect(valuesOf(again, 't')).toEqual(['a', 'b'])
})

test('whatever moment a new segment begins at, no acknowledged record is missed', async () => {
  const folder = await temporaryFolder()
  const log = await openLog(folder, { segmentBytes: 3_000 })
  await log.createTopic('t', one)
  const given = new Map<number, string>()
  const later = async (ticks: number, value: string) => {
    for (let tick = 0; tick < ticks; tick++) await undefined
    given.set((await append(log, value)).baseOffset, value)
  }
  for (let round = 0; round < 6; round++) {
    await Promise.all(Array.from({ length: 30 }, (_, at) => later((at * 7) % 13, `${round}.${at} ${large}`)))
  }
  expect(segmentsIn(folder).length).toBeGreaterThan(5)
  const found = log.read('t', 0, 0, everything)
  expect(found.map(({ offset }) => offset)).toEqual(found.map((_, place) => place))
  expect(new Map(found.map(({ offset, value }) => [offset, String(value)]))).toEqual(
    new Map([...given].sort(([a], [b]) => a - b)),
  )
})

test('an append that came just before the one that begins a new segment is not missed', async () => {
  const folder = await temporaryFolder()
  let nowMs = 0
  const log = await openLog(folder, { segmentAgeMs: 100, clock: () => nowMs })
  await log.createTopic('t', one)
  await append(log, 'a')
  nowMs = 100
  const before = append(log, 'b')
  nowMs = 101
  await Promise.all([before, append(log, 'c')])
  expect(segmentsIn(folder)).toHaveLength(2)
  for (const from of [0, 1, 2]) expect(valuesOf(log, 't', from)).toEqual(['a', 'b', 'c'].slice(from))
})

test('append times do not go back over a segment without records and a restart', async () => {
  const folder = await temporaryFolder()
  let nowMs = 9_000
  const log = await openLog(folder, { clock: () => nowMs, segmentBytes: 0 })
  await log.createTopic('t', one)
  await log.createTopic('other', one)
  await append(log, 'a')
  await append(log, 'b', 'other')
  await log.close()
  nowMs = 1_000
  const again = await openLog(folder, { clock: () => nowMs, segmentBytes: 0 })
  expect((await append(again, 'c')).appendTimeMs).toBe(9_000)
})

test('retention drops what is old, or too much, but nothing that is needed', async () => {
  const folder = await temporaryFolder()
  let nowMs = 0
  const log = await openLog(folder, { clock: () => nowMs, segmentBytes: 0 })
  await log.createTopic('t', one)
  await log.createTopic('other', one)
  await append(log, 'other', 'other')
  for (const value of ['a', 'b', 'c', 'd']) {
    nowMs += 100
    await append(log, value)
  }
  const all = (): number => 100
  const retain = (ageMs: number, bytesMax: number | null, keepFrom: (topic: string) => number) =>
    log.retain({ ageMs, bytesMax }, keepFrom)
  const fileBytes = segmentsIn(folder).reduce(
    (sum, name) => sum + statSync(`${folder}/segments/${name}`).size,
    0,
  )

  expect(await retain(1_000, fileBytes, all)).toBe(0)
  expect(await retain(0, 0, (topic) => (topic === 'other' ? 0 : 100))).toBe(0)
  expect(await retain(1_000, fileBytes - 1, all)).toBe(1)
  expect(log.offsets('other', 0)).toEqual({ start: 1, end: 1 })
  expect(await retain(150, null, (topic) => (topic === 't' ? 1 : 100))).toBe(1)
  expect(await retain(150, null, all)).toBe(0)
  expect(log.offsets('t', 0)).toEqual({ start: 1, end: 4 })
  expect(() => log.read('t', 0, 0, everything)).toThrow(
    expect.objectContaining({ code: 'OFFSET_OUT_OF_RANGE' }),
  )
  expect(valuesOf(log, 't', 1)).toEqual(['b', 'c', 'd'])
  expect(await retain(-1, null, all)).toBe(2)
  expect(log.offsets('t', 0)).toEqual({ start: 3, end: 4 })
  expect(await append(log, 'e')).toMatchObject({ baseOffset: 4 })
  await append(log, 'f', 'other')
  await log.close()
  const again = await openLog(folder)
  expect(valuesOf(again, 't', 3)).toEqual(['d', 'e'])
  expect(again.offsets('other', 0)).toEqual({ start: 1, end: 2 })
})

test('a clock that was ahead for a while keeps nothing for ever', async () => {
  let nowMs = 1_000_000
  const log = await openLog(await temporaryFolder(), { clock: () => nowMs, segmentAgeMs: 1_000 })
  await log.createTopic('t', one)
  await append(log, 'early')
  nowMs += 1e9
  await append(log, 'ahead')
  nowMs -= 1e9
  for (let count = 0; count < 5; count++) {
    nowMs += 2_000
    await append(log, 'later')
  }
  await log.retain({ ageMs: 3_000, bytesMax: null }, () => Number.POSITIVE_INFINITY)
  expect(log.offsets('t', 0).start).toBeGreaterThan(2)
})

test('few small segments are not too much because a segment could hold more', async () => {
  const folder = await temporaryFolder()
  let nowMs = 0
  const log = await openLog(folder, { clock: () => nowMs, segmentBytes: 2 ** 30, segmentAgeMs: 10 })
  await log.createTopic('t', one)
  for (const value of ['a', 'b', 'c', 'd']) {
    nowMs += 100
    await append(log, value)
  }
  expect(segmentsIn(folder)).toHaveLength(4)
  expect(await log.retain({ ageMs: 1e9, bytesMax: 2 ** 30 }, () => 100)).toBe(0)
})

test('records that were read stay as they were when their segment is dropped', async () => {
  const folder = await temporaryFolder()
  const log = await openLog(folder, { segmentBytes: 0 })
  await log.createTopic('t', one)
  const value = 'y'.repeat(100_000)
  await append(log, value)
  await append(log, 'b')
  const [record] = log.read('t', 0, 0, everything)
  expect(await log.retain({ ageMs: -1, bytesMax: null }, () => 100)).toBe(1)
  expect(String(record?.value)).toBe(value)
})

test('offsets go on where they are told to, also after a restart, and over what is left out', async () => {
  const folder = await temporaryFolder()
  const log = await openLog(folder)
  await log.createTopic('t', one)
  await append(log, 'a')
  await log.continueFrom([{ topic: 't', partition: 0, to: 10 }])
  expect(log.offsets('t', 0)).toEqual({ start: 0, end: 10 })
  await log.close()
  const again = await openLog(folder)
  expect(await append(again, 'b')).toMatchObject({ baseOffset: 10 })
  await again.continueFrom([{ topic: 't', partition: 0, to: 5 }])
  expect(await append(again, 'c')).toMatchObject({ baseOffset: 11 })
  expect(again.read('t', 0, 0, everything).map(({ offset }) => offset)).toEqual([0, 10, 11])
  expect(again.read('t', 0, 4, everything).map(({ offset }) => offset)).toEqual([10, 11])
  expect(again.extent('t', 0, 0, everything)).toMatchObject({ to: 12, count: 3 })
})

test.each([
  ['an empty file', (file: string) => writeFileSync(file, '')],
  ['a file of zeros', (file: string) => writeFileSync(file, Buffer.alloc(8_192))],
  [
    'a database without a header',
    async (file: string) => openLmdb({ path: file, noSubdir: true, overlappingSync: false }).close(),
  ],
])('the newest segment is removed when its making was cut off: %s', async (_, cut) => {
  const folder = await temporaryFolder()
  await filled(folder, ['a', 'b'])
  await cut(path(folder, 3))
  const log = await openLog(folder, { segmentBytes: 0 })
  expect(segmentsIn(folder)).toHaveLength(2)
  expect(valuesOf(log, 't')).toEqual(['a', 'b'])
  await append(log, 'c')
  await log.close()
  const again = await openLog(folder)
  expect(segmentsIn(folder)).toHaveLength(3)
  expect(valuesOf(again, 't')).toEqual(['a', 'b', 'c'])
})

test.each([
  ['cut to nothing', (file: string) => truncateSync(file)],
  ['zeros', (file: string) => writeFileSync(file, Buffer.alloc(65_536))],
  ['gone', (file: string) => rmSync(file)],
])('the newest segment %s is damage, however few there are, and nothing is deleted', async (_, hurt) => {
  for (const values of [['a'], ['a', 'b']]) {
    const folder = await temporaryFolder()
    await filled(folder, values)
    hurt(path(folder, values.length))
    const left = segmentsIn(folder)
    for (let time = 0; time < 2; time++)
      await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({
        code: 'LOG_DAMAGED',
        message: expect.stringMatching(
          new RegExp(`segment (${values.length} is missing|${path(folder, values.length)})`),
        ),
      })
    expect(segmentsIn(folder)).toEqual(left)
  }
})

test('a segment whose making was not noted before the process died is used, and noted then', async () => {
  const folder = await temporaryFolder()
  await filled(folder, ['a'])
  const before = readFileSync(`${folder}/catalog.json`)
  await filled(folder, ['b'])
  expect(segmentsIn(folder)).toHaveLength(2)
  writeFileSync(`${folder}/catalog.json`, before)
  const log = await openLog(folder)
  expect(valuesOf(log, 't')).toEqual(['a', 'b'])
  await log.close()
  truncateSync(path(folder, 2))
  await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({ code: 'LOG_DAMAGED' })
})

test('an older segment without a header is damage, and is named', async () => {
  const folder = await temporaryFolder()
  await filled(folder, ['a', 'b', 'c'])
  rmSync(path(folder, 2))
  await openLmdb({ path: path(folder, 2), noSubdir: true, overlappingSync: false }).close()
  const opened = EmbeddedLog.open(folder, options)
  await expect(opened).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
    message: expect.stringContaining(path(folder, 2)),
  })
})

test('a segment that is gone from the middle is damage, and is named', async () => {
  const folder = await temporaryFolder()
  await filled(folder, ['a', 'b', 'c'])
  rmSync(path(folder, 2))
  const opened = EmbeddedLog.open(folder, options)
  await expect(opened).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
    message: expect.stringMatching(/segment 2 is missing/),
  })
})

test('a lost catalog is damage: its topics would be given the records of others', async () => {
  const folder = await temporaryFolder()
  await filled(folder, ['a'])
  rmSync(`${folder}/catalog.json`)
  await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({ code: 'LOG_DAMAGED' })
})

test.each(['', 'null', '{}', '{"format":2}', '{"format":1,"id"'])(
  'a catalog of %j is damage',
  async (content) => {
    const folder = await temporaryFolder()
    await filled(folder, ['a'])
    writeFileSync(`${folder}/catalog.json`, content)
    await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({ code: 'LOG_DAMAGED' })
  },
)

test('a segment whose file cannot be removed is removed before any other, so that no gap is left', async () => {
  const folder = await temporaryFolder()
  await filled(folder, [large, large, large, large])
  const log = await openLog(folder, { segmentBytes: 0 })
  // A folder that is not empty stands where LMDB's lock file was.
  rmSync(`${path(folder, 1)}-lock`, { force: true })
  mkdirSync(`${path(folder, 1)}-lock/x`, { recursive: true })
  const all = { ageMs: -1, bytesMax: null }
  const nothing = () => Number.POSITIVE_INFINITY
  for (let count = 0; count < 2; count++)
    await expect(log.retain(all, nothing)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(readdirSync(`${folder}/segments`)).toContain(`${'2'.padStart(20, '0')}.lmdb`)
  rmSync(`${path(folder, 1)}-lock`, { recursive: true })
  expect(await log.retain(all, nothing)).toBeGreaterThan(0)
  expect(segmentsIn(folder)).toHaveLength(1)
})
