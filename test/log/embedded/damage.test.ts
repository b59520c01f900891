import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { open as openLmdb } from 'lmdb'
import { expect, test } from 'vitest'
import { encodeKey } from '../../../src/log/embedded/batch-key.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'
import { text } from '../../contract/log.ts'
import { everything, openLog, options, temporaryFolder } from './support.ts'

const segment = (folder: string): string => `${folder}/segments/${'1'.padStart(20, '0')}.lmdb`

/** A log of ten appends of one record, offset 0 to 9, closed. */
async function filled(): Promise<string> {
  const folder = await temporaryFolder()
  const log = await EmbeddedLog.open(folder, options)
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  for (let count = 0; count < 10; count++)
    await log.append({ topic: 't', partition: 0, records: [text(`${count} ${'x'.repeat(3_000)}`)] })
  await log.close()
  return folder
}

/** Change a stored value as a fault of the disk would. */
async function change(
  folder: string,
  offset: number | 'header',
  how: (value: Buffer) => Buffer,
): Promise<void> {
  const database = openLmdb<Buffer, Buffer>({
    path: segment(folder),
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  })
  const key = offset === 'header' ? Buffer.from([0]) : encodeKey(1, 0, offset)
  await database.put(key, how(Buffer.from(database.get(key)!)))
  await database.close()
}

const flip = (at: number) => (value: Buffer) => {
  value[at]! ^= 1
  return value
}

const damageAt = (folder: string, offset: number) =>
  expect.objectContaining({
    code: 'LOG_DAMAGED',
    message: expect.stringMatching(
      new RegExp(`topic id 1, partition 0, offset ${offset} in ${segment(folder)}`),
    ),
  })

test.each([0, 4, 8, 30, 50, 3_000])(
  'byte %i of a batch changed is damage where it is read, and is named',
  async (at) => {
    const folder = await filled()
    await change(folder, 4, flip(at))
    const log = await openLog(folder)
    expect(log.offsets('t', 0)).toEqual({ start: 0, end: 10 })
    expect(log.read('t', 0, 0, { records: 4, bytes: 1e9 })).toHaveLength(4)
    expect(log.read('t', 0, 6, everything)).toHaveLength(4)
    for (const from of [0, 4]) {
      expect(() => log.read('t', 0, from, everything)).toThrow(damageAt(folder, 4))
      expect(() => log.extent('t', 0, from, everything)).toThrow(damageAt(folder, 4))
    }
  },
)

test('a batch in the place of another is damage', async () => {
  const folder = await filled()
  let third: Buffer = Buffer.alloc(0)
  await change(folder, 3, (value) => {
    third = Buffer.from(value)
    return value
  })
  await change(folder, 4, () => third)
  const log = await openLog(folder)
  expect(() => log.read('t', 0, 0, everything)).toThrow(damageAt(folder, 4))
})

test('the last batch damaged is found when the log is opened: its end cannot be told', async () => {
  const folder = await filled()
  await change(folder, 9, flip(40))
  await expect(EmbeddedLog.open(folder, options)).rejects.toThrow(damageAt(folder, 9))
})

test.each(['', '{', '{"format":2}'])('a segment header of %j is damage', async (header) => {
  const folder = await filled()
  await change(folder, 'header', () => Buffer.from(header))
  await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
    message: expect.stringContaining(segment(folder)),
  })
})

test.each([
  ['zeros', Buffer.alloc(20_000)],
  ['other bytes', Buffer.alloc(20_000, 7)],
  ['less than a page', Buffer.alloc(50, 1)],
])('a segment of %s is damage', async (_, content) => {
  const folder = await filled()
  const whole = readFileSync(segment(folder))
  writeFileSync(segment(folder), Buffer.concat([content, whole.subarray(content.length)]))
  if (content.length < 100) truncateSync(segment(folder), content.length)
  if (content.length > 100)
    writeFileSync(segment(folder), Buffer.concat([content, whole.subarray(content.length)]))
  await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
    message: expect.stringContaining(segment(folder)),
  })
})

test('a segment that was cut short never ends the process: what is left is read, the rest is damage', async () => {
  const folder = await filled()
  const whole = readFileSync(segment(folder))
  const outcomes = new Set<string>()
  for (let size = 4_096; size < whole.length; size += 4_096) {
    writeFileSync(segment(folder), whole.subarray(0, size))
    try {
      const log = await EmbeddedLog.open(folder, options)
      try {
        expect(log.read('t', 0, 0, everything)).toHaveLength(10)
        outcomes.add('read')
      } finally {
        await log.close()
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'LOG_DAMAGED' })
      outcomes.add('damaged')
    }
  }
  expect(outcomes).toContain('damaged')
})

/** Change the one place in a file that holds these bytes. */
function changeBytes(path: string, from: Buffer, to: Buffer): void {
  const content = readFileSync(path)
  const at = content.lastIndexOf(from)
  expect(at).toBeGreaterThan(0)
  to.copy(content, at)
  writeFileSync(path, content)
}

test('a batch does not become one of another topic, nor is it missed, when its key changes', async () => {
  const folder = await filled()
  // Still the last key of all: no order is broken.
  changeBytes(segment(folder), encodeKey(1, 0, 9), encodeKey(1, 0, 9).fill(9, 3, 4))
  await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
    message: expect.stringMatching(/does not match its checksum/),
  })
})

test('a batch under the key of another topic is damage where it is read', async () => {
  const folder = await filled()
  changeBytes(segment(folder), encodeKey(1, 0, 9), encodeKey(2, 0, 9))
  const log = await openLog(folder)
  await expect(log.createTopic('u', { partitions: 1, partitioner: 'kafka' })).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
  })
})

test('a sealed segment is looked through when it is first read, and not before', async () => {
  const folder = await temporaryFolder()
  const log = await EmbeddedLog.open(folder, { ...options, segmentBytes: 0 })
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  for (const value of ['a', 'b', 'c']) await log.append({ topic: 't', partition: 0, records: [text(value)] })
  await log.close()
  const second = segment(folder).replace('1.lmdb', '2.lmdb')
  changeBytes(second, encodeKey(1, 0, 1), encodeKey(1, 0, 1).fill(9, 3, 4))
  const again = await openLog(folder)
  expect(again.offsets('t', 0)).toEqual({ start: 0, end: 3 })
  expect(again.read('t', 0, 0, { records: 1, bytes: 1e9 })).toHaveLength(1)
  expect(again.read('t', 0, 2, everything)).toHaveLength(1)
  expect(() => again.read('t', 0, 0, everything)).toThrow(
    expect.objectContaining({ code: 'LOG_DAMAGED', message: expect.stringContaining(second) }),
  )
})

test('a changed number in a segment header is damage, also where it still reads', async () => {
  const folder = await filled()
  changeBytes(segment(folder), Buffer.from('"sequence":1'), Buffer.from('"sequence":3'))
  await expect(EmbeddedLog.open(folder, options)).rejects.toMatchObject({
    code: 'LOG_DAMAGED',
    message: expect.stringMatching(/header .* checksum/),
  })
})
