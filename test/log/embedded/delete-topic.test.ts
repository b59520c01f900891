import fs, { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { PipelineError } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'

const options = { recordBytesMax: 2 ** 20, segmentBytes: 100, segmentAgeMs: 1e12, freeBytesMin: 0 }
const everything = { records: 1e9, bytes: 1e9 }

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-delete-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function openLog(folder: string): Promise<EmbeddedLog> {
  const log = await EmbeddedLog.open(folder, options)
  onTestFinished(() => log.close())
  return log
}

const append = (log: EmbeddedLog, topic: string, partition: number, values: string[]) =>
  log.append({
    topic,
    partition,
    records: values.map((value) => ({ key: null, value: Buffer.from(value) })),
  })

const valuesOf = (log: EmbeddedLog, topic: string, partition: number) => {
  const { start } = log.offsets(topic, partition)
  return log.read(topic, partition, start, everything).map(({ offset, value }) => `${offset} ${value}`)
}

test('a topic made again under its name goes on with its offsets, however often and with however many partitions', async () => {
  const folder = await makeFolder()
  let log = await openLog(folder)
  const remake = async (partitions: number) => {
    await log.deleteTopic('t')
    await log.close()
    log = await openLog(folder)
    expect(log.topics()).toEqual([])
    await log.createTopic('t', { partitions, partitioner: 'kinesis' })
  }
  await log.createTopic('t', { partitions: 2, partitioner: 'kafka' })
  await append(log, 't', 0, ['a', 'b', 'c'])
  await append(log, 't', 1, ['d'])
  await remake(1)
  expect(log.offsets('t', 0)).toEqual({ start: 3, end: 3 })
  expect([0, 1, 2].map((partition) => log.endOf('t', partition))).toEqual([3, 1, 0])
  await append(log, 't', 0, ['e'])
  await remake(3)
  await append(log, 't', 1, ['f'])
  expect([0, 1, 2].map((partition) => valuesOf(log, 't', partition))).toEqual([[], ['1 f'], []])
  expect([0, 1, 2].map((partition) => log.endOf('t', partition))).toEqual([4, 2, 0])
})

test('no record of a deleted topic comes back in another, and none of another is gone', async () => {
  const folder = await makeFolder()
  let log = await openLog(folder)
  for (const name of ['kept', 'gone']) {
    await log.createTopic(name, { partitions: 1, partitioner: 'kafka' })
    await append(log, name, 0, [`${name} 0`, `${name} 1`])
  }
  await log.deleteTopic('gone')
  await log.createTopic('new', { partitions: 1, partitioner: 'kafka' })
  await append(log, 'new', 0, ['new 0'])
  for (let look = 0; look < 2; look++) {
    expect(log.topics().map(({ name }) => name)).toEqual(['kept', 'new'])
    expect(valuesOf(log, 'kept', 0)).toEqual(['0 kept 0', '1 kept 1'])
    expect(valuesOf(log, 'new', 0)).toEqual(['0 new 0'])
    await log.close()
    log = await openLog(folder)
  }
})

test('a topic whose deletion fails half-way takes records again', async () => {
  const log = await openLog(await makeFolder())
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  const deleting = log.deleteTopic('t', async () => {
    await expect(append(log, 't', 0, ['a'])).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' })
    await expect(log.deleteTopic('t')).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' })
    throw new Error('cut off')
  })
  await expect(deleting).rejects.toThrow('cut off')
  expect(await append(log, 't', 0, ['a'])).toMatchObject({ baseOffset: 0 })
})

test('retention lets go of what a deleted topic has left', async () => {
  const log = await openLog(await makeFolder())
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  await log.createTopic('u', { partitions: 1, partitioner: 'kafka' })
  for (let n = 0; n < 5; n++) await append(log, 't', 0, ['x'.repeat(200)])
  await log.deleteTopic('t')
  await append(log, 'u', 0, ['y'])
  expect(await log.retain({ ageMs: -1, bytesMax: null }, () => 0)).toBeGreaterThan(0)
  expect(valuesOf(log, 'u', 0)).toEqual(['0 y'])
})

/** The next flush of a folder fails, once what was written can be seen. */
function failNextSync(folder: string): void {
  const { open } = fs
  const restore = () => {
    fs.open = open
    syncBuiltinESMExports()
  }
  onTestFinished(restore)
  fs.open = async (...args) => {
    const handle = await open(...args)
    if (String(args[0]) !== folder) return handle
    restore()
    handle.sync = () => Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }))
    return handle
  }
  syncBuiltinESMExports()
}

test('when nobody knows whether a deletion is on disk, nothing is acknowledged until the log is opened anew', async () => {
  const folder = await makeFolder()
  const fatal: PipelineError[] = []
  const log = await EmbeddedLog.open(folder, { ...options, onFatal: (error) => fatal.push(error) })
  onTestFinished(() => log.close())
  for (const topic of ['a', 'b']) await log.createTopic(topic, { partitions: 1, partitioner: 'kafka' })
  await append(log, 'a', 0, ['one'])
  failNextSync(folder)
  const failed = expect.objectContaining({ code: 'LOG_FAILED' })
  await expect(log.deleteTopic('a')).rejects.toEqual(failed)
  for (const topic of ['a', 'b']) await expect(append(log, topic, 0, ['two'])).rejects.toEqual(failed)
  expect(fatal).toEqual([failed])
  await log.close()

  const again = await openLog(folder)
  expect(again.topics().map(({ name }) => name)).toEqual(['b'])
  await again.createTopic('a', { partitions: 1, partitioner: 'kafka' })
  expect(await append(again, 'a', 0, ['two'])).toMatchObject({ baseOffset: 1 })
})
