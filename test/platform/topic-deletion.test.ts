import { expect, test, vi } from 'vitest'
import { runOperation } from '../../src/api/index.ts'
import { verifyPlatform } from '../../src/platform/index.ts'
import { House } from './house.ts'

vi.setConfig({ testTimeout: 120_000 })

const topic = 'demo.harvest'
const record = { key: null, value: Buffer.from('{"neither":"nor"}') }
const append = ({ platform }: House) => platform.log.append({ topic, partition: 0, records: [record] })
const unknown = expect.objectContaining({ code: 'TOPIC_UNKNOWN' })

test('what was taken of a deleted topic has landed, what was not is skipped, and its offsets are never given out again', async () => {
  const house = await House.make()
  const platform = await house.open()
  await house.send(8)
  await platform.settle()
  await house.send(4)
  const { end } = platform.log.offsets(topic, 0)
  const { skipped } = await platform.deleteTopic(topic)
  await expect(append(house)).rejects.toEqual(unknown)
  expect(() => platform.log.read(topic, 0, 0, { records: 1, bytes: 1 })).toThrow(unknown)
  await platform.settle()
  await platform.runBatch()
  await house.expectVerified()
  expect((await verifyPlatform(platform)).accounts.harvest).toMatchObject({
    appended: house.sent.harvest,
    landed: house.sent.harvest - skipped,
    waiting: 0,
    skipped,
    stream: { read: house.sent.harvest - skipped },
    batch: { read: house.sent.harvest - skipped },
  })
  await house.close()

  await house.open()
  expect(house.platform.log.offsets(topic, 0)).toEqual({ start: end, end })
  expect(await append(house)).toMatchObject({ baseOffset: end })
  await house.platform.settle()
  await house.platform.runBatch()
  await house.expectVerified()
})

test('records that no take names are skipped, and counted as such', async () => {
  const house = await House.make()
  await house.fill(['first'])
  const platform = await house.open({ running: false })
  await house.send(5)
  expect(await platform.deleteTopic(topic)).toEqual({ topic, skipped: 5 })
  platform.start()
  await platform.settle()
  await platform.runBatch()
  await house.expectVerified()
  expect((await verifyPlatform(platform)).accounts.harvest).toMatchObject({ skipped: 5, lost: 0, waiting: 0 })
})

test('appends under way while a topic is deleted are taken or skipped, and none that comes later is acknowledged', async () => {
  const house = await House.make()
  const platform = await house.open()
  let acknowledged = 0
  let refused = 0
  let deleting = true
  const writer = async () => {
    while (deleting) {
      await append(house).then(
        () => acknowledged++,
        (error: unknown) => {
          expect(error).toEqual(unknown)
          refused++
        },
      )
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const writers = [writer(), writer(), writer()]
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { skipped } = await platform.deleteTopic(topic)
  deleting = false
  await Promise.all(writers)
  expect(refused).toBeGreaterThan(0)
  await platform.settle()
  await platform.runBatch()
  await house.expectVerified()
  expect((await verifyPlatform(platform)).accounts.harvest).toMatchObject({
    appended: acknowledged,
    landed: acknowledged - skipped,
  })
})

test('cut off between its entry and the catalog it is still there, goes on, and can be deleted again', async () => {
  const house = await House.make()
  const platform = await house.open()
  await house.send(6)
  const { log } = platform
  const { deleteTopic } = log
  log.deleteTopic = (name, whenAtRest) =>
    deleteTopic.call(log, name, async () => {
      await whenAtRest?.()
      throw new Error('cut off')
    })
  await expect(platform.deleteTopic(topic)).rejects.toThrow('cut off')
  await house.abandon()
  await house.open()
  await append(house)
  await house.platform.settle()
  await house.platform.deleteTopic(topic)
  await house.platform.runBatch()
  await house.expectVerified()
})

test('a topic that is not taken is deleted without an entry, and one that is read ends the reading', async () => {
  const house = await House.make()
  const platform = await house.open()
  await platform.log.createTopic('aside', { partitions: 2, partitioner: 'kafka' })
  const ending = new AbortController()
  const consumed = runOperation(
    'consume',
    { platform, signal: ending.signal, emit: () => undefined },
    { topic: 'aside', fromBeginning: true, follow: true },
  )
  await expect(
    runOperation(
      'deleteTopic',
      { platform, signal: ending.signal, emit: () => undefined },
      { topic: 'aside', confirm: 'no' },
    ),
  ).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  const reading = expect(consumed).rejects.toEqual(unknown)
  await platform.deleteTopic('aside')
  await reading
  await expect(platform.deleteTopic('aside')).rejects.toEqual(unknown)
})

test('what was taken of a topic that is no longer taken has landed before it is deleted', async () => {
  const house = await House.make()
  const first = await house.open({ running: false })
  await first.log.createTopic('other', { partitions: 1, partitioner: 'kafka' })
  await first.log.append({ topic: 'other', partition: 0, records: [record] })
  const { to, count, bytes } = first.log.extent('other', 0, 0, { records: 1, bytes: 1e9 })!
  await first.epochs.take(first.log.id, [{ topic: 'other', partition: 0, from: 0, to, count, bytes }])
  await house.abandon()

  const platform = await house.open({ taken: ['demo.*', 'orchard-*'] })
  expect(await platform.deleteTopic('other')).toEqual({ topic: 'other', skipped: 0 })
  await house.send(4)
  await platform.settle()
  expect(platform.states().landing).toEqual({ state: 'idle' })
  expect(await platform.lake.list('topics/other/')).toHaveLength(1)
})
