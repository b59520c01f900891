/** What a log does when its volume is full, on a small volume of its own, in a process of its own. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { freeBytes } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'
import { text } from '../../contract/log.ts'
import { mountVolume } from '../../volume.ts'
import { Appender, expectAcknowledged } from './child.ts'
import { options, temporaryFolder } from './support.ts'

const volume = mountVolume('size=16m')
afterAll(() => volume?.remove())

test.skipIf(!volume)(
  'a full tmpfs: appends are refused, reads go on, space makes it accept again, nothing acknowledged is lost',
  async () => {
    const folder = join(volume!.path, 'log')
    const ballast = join(volume!.path, 'ballast')
    writeFileSync(ballast, Buffer.alloc(8 * 2 ** 20))
    const appender = new Appender(folder, 5_000)
    await appender.next('open')
    for (const freed of [true, false]) {
      await appender.next('refused LOG_FULL', 20)
      const before = appender.acknowledged.size
      expect(before).toBeGreaterThan(100)
      appender.say('read')
      const [, records, end] = (await appender.next('read')).split(' ').map(Number)
      expect(records).toBeGreaterThanOrEqual(before)
      expect(end).toBeGreaterThanOrEqual(records!)
      if (!freed) break
      rmSync(ballast)
      await appender.next('ack', 100)
    }
    const complaints = await appender.stop()
    expect(complaints).not.toMatch(/unhandled|uncaught/i)
    expect(new Set(appender.lines.filter((line) => line.startsWith('refused')))).toEqual(
      new Set(['refused LOG_FULL']),
    )
    expect(appender.count('fatal')).toBe(0)
    await expectAcknowledged(folder, appender.acknowledged)
  },
)

test.skipIf(!volume)('retention makes room in a log that is full', async () => {
  const own = mountVolume('size=16m')!
  onTestFinished(() => own.remove())
  const folder = join(own.path, 'log')
  let nowMs = 0
  const log = await EmbeddedLog.open(folder, {
    ...options,
    clock: () => nowMs,
    segmentBytes: 0,
    freeBytesMin: 4 * 2 ** 20,
  })
  const append = (value: string) => log.append({ topic: 't', partition: 0, records: [text(value)] })
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  for (const value of ['a', 'b', 'c']) await append(value)
  const filler = join(own.path, 'filler')
  writeFileSync(filler, Buffer.alloc(freeBytes(folder) - 2 * 2 ** 20))
  await expect(append('d')).rejects.toMatchObject({ code: 'LOG_FULL' })
  nowMs = 1_000
  expect(await log.retain({ ageMs: 10, bytesMax: null }, () => Number.POSITIVE_INFINITY)).toBe(2)
  await log.close()
})

test('a write that fails though there is space: the log fails once for all, and reads go on', async () => {
  const folder = await temporaryFolder()
  // A limit on the size of files makes LMDB's writes fail; the segment is about a megabyte when it is met.
  const limited = ['sh', '-c', 'ulimit -f 800; exec "$@"', 'sh']
  const appender = new Appender(folder, 5_000, limited)
  await appender.next('refused', 30)
  appender.say('read')
  const [, records] = (await appender.next('read')).split(' ').map(Number)
  expect(records).toBeGreaterThanOrEqual(appender.acknowledged.size)
  expect(await appender.stop()).not.toMatch(/unhandled|uncaught/i)
  expect(appender.lines.filter((line) => line.startsWith('fatal'))).toEqual(['fatal LOG_FAILED'])
  expect(new Set(appender.lines.filter((line) => line.startsWith('refused')))).toEqual(
    new Set(['refused LOG_FAILED']),
  )
  expect(appender.acknowledged.size).toBeGreaterThan(10)
  await expectAcknowledged(folder, appender.acknowledged)
})
