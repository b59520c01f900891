/** A log that was lost, put back from an old copy, or exchanged, under a lake that remembers more. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EpochLog, EpochReader, Landing } from '../../src/lake/index.ts'
import { EmbeddedLog } from '../../src/log/index.ts'
import { adoptLog, refuseLogBehindLake } from '../../src/platform/log-behind-lake.ts'
import { MemoryStore } from '../contract/memory-store.ts'
import { rangesOf } from '../lake/support.ts'

const options = { recordBytesMax: 2 ** 20, segmentBytes: 2 ** 30, segmentAgeMs: 1e12, freeBytesMin: 0 }
const all = { records: 1e9, bytes: 1e9 }

async function openLog(folder: string): Promise<EmbeddedLog> {
  const log = await EmbeddedLog.open(folder, options)
  onTestFinished(() => log.close())
  return log
}

const append = (log: EmbeddedLog, count: number) =>
  log.append({
    topic: 't',
    partition: 0,
    records: Array.from({ length: count }, (_, at) => ({ key: null, value: Buffer.from(`${at}`) })),
  })

/**
 * Records 0 to 5 landed; 5 to 8 in a land that has no marker, 8 to 9 in an open take. `copy` is the log's folder as
 * it was after so many records.
 */
async function world(copyAfter: number) {
  const root = await mkdtemp(join(tmpdir(), 'behind-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const store = new MemoryStore()
  const epochs = await EpochLog.open(store, 'p')
  const landing = new Landing(store, 'p', 'topics')
  let log = await openLog(join(root, 'log'))
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  for (const [records, isLanded] of [
    [5, true],
    [3, false],
    [1, undefined],
  ] as const) {
    await append(log, records)
    const from = epochs.position('t', 0)
    const { to, count, bytes } = log.extent('t', 0, from, all)!
    await epochs.take(log.id, [{ topic: 't', partition: 0, from, to, count, bytes }])
    if (isLanded !== undefined) await epochs.land(log.id, 100)
    if (isLanded) await landing.land(await epochs.landEntry(2), log)
    if (to === copyAfter) {
      await log.close()
      await cp(join(root, 'log'), join(root, 'copy'), { recursive: true })
      log = await openLog(join(root, 'log'))
    }
  }
  return { root, store, epochs, landing, log, copy: () => openLog(join(root, 'copy')) }
}

test('a log that holds all that was taken is accepted', async () => {
  const { log, epochs } = await world(5)
  refuseLogBehindLake(log, epochs, 'here')
  await append(log, 1)
  refuseLogBehindLake(log, epochs, 'here')
})

test('a log that ends before the lake, or is another, is refused', async () => {
  const { root, epochs, copy } = await world(8)
  const behind = expect.objectContaining({ code: 'LOG_BEHIND_LAKE' })
  const older = await copy()
  expect(() => refuseLogBehindLake(older, epochs, 'here')).toThrow(behind)
  const another = await openLog(join(root, 'another'))
  expect(() => refuseLogBehindLake(another, epochs, 'here')).toThrow(behind)
})

test.each([
  ['an older copy of the log', 5, ['1>2 t/0 0-5'], 5, 4],
  ['a newer copy of the log', 8, ['1>2 t/0 0-5', '3>4 t/0 5-8'], 8, 1],
])(
  '%s, adopted, gives no offset twice, and what neither holds is lost',
  async (_, after, held, records, lost) => {
    const { store, epochs, landing, copy } = await world(after)
    const log = await copy()
    await adoptLog(log, epochs, landing)
    refuseLogBehindLake(log, epochs, 'here')
    expect(epochs.ends()).toEqual([{ topic: 't', partition: 0, to: 9, records, lost, skipped: 0 }])
    expect(await append(log, 1)).toMatchObject({ baseOffset: 9 })
    await epochs.take(log.id, [{ topic: 't', partition: 0, from: 9, to: 10, count: 1, bytes: 1 }])
    await epochs.land(log.id, 100)
    for (const land of [4, 8]) await landing.land(await epochs.landEntry(land), log)
    for (const each of [epochs, await EpochLog.open(store, 'p')])
      expect(await rangesOf(each)).toEqual([...held, '7>8 t/0 9-10'])
    const landed = [...store.objects].filter(([key]) => key.startsWith('topics/'))
    const lines = landed.reduce((sum, [, { content }]) => sum + String(content).split('\n').length - 1, 0)
    expect(lines).toBe(records + 1)
  },
)

test('of a range that an adopted log holds in part, what it holds lands, and the rest is lost', async () => {
  const { root, store, epochs, landing, log } = await world(5)
  await append(log, 2)
  await log.close()
  await cp(join(root, 'log'), join(root, 'part'), { recursive: true })
  const whole = await openLog(join(root, 'log'))
  await append(whole, 3)
  await epochs.take(whole.id, [{ topic: 't', partition: 0, from: 9, to: 14, count: 5, bytes: 5 }])
  await whole.close()
  const part = await openLog(join(root, 'part'))
  await adoptLog(part, epochs, landing)
  refuseLogBehindLake(part, epochs, 'here')
  expect(epochs.ends()).toMatchObject([{ to: 14, records: 11, lost: 3 }])
  expect(await append(part, 1)).toMatchObject({ baseOffset: 14 })
  await epochs.land(part.id, 100)
  for (const land of await epochs.landsAfter(2)) await landing.land(await epochs.landEntry(land), part)
  for (const each of [epochs, await EpochLog.open(store, 'p')])
    expect((await rangesOf(each)).map((text) => text.split(' ')[2])).toEqual(['0-5', '5-8', '8-9', '9-11'])
})

test('another log, adopted, takes over topics and offsets, and nothing of it is mistaken for what was lost', async () => {
  const { root, epochs, landing } = await world(5)
  const log = await openLog(join(root, 'another'))
  await adoptLog(log, epochs, landing)
  expect(epochs.logId).toBe(log.id)
  refuseLogBehindLake(log, epochs, 'here')
  // The epoch log knows no partitioner: who makes the topic again says which.
  expect(log.topics()).toEqual([])
  expect(log.endOf('t', 0)).toBe(9)
  await log.createTopic('t', { partitions: 2, partitioner: 'kinesis' })
  expect([0, 1].map((partition) => log.offsets('t', partition))).toEqual([
    { start: 9, end: 9 },
    { start: 0, end: 0 },
  ])
  expect(epochs.ends()).toMatchObject([{ to: 9, records: 5, lost: 4 }])
  expect(await rangesOf(epochs)).toEqual(['1>2 t/0 0-5'])
  expect(await append(log, 1)).toMatchObject({ baseOffset: 9 })
})

test.each(['entering what is lost', 'continuing offsets'])(
  'adoption cut off while %s is refused until it is done again',
  async (where) => {
    const { root, store, epochs, landing, copy } = await world(5)
    const log = await copy()
    if (where === 'continuing offsets') log.continueFrom = () => Promise.reject(new Error('cut off'))
    else {
      store.putIfAbsent = () => Promise.reject(new Error('cut off'))
    }
    await expect(adoptLog(log, epochs, landing)).rejects.toThrow('cut off')
    store.putIfAbsent = MemoryStore.prototype.putIfAbsent
    await log.close()
    const again = await openLog(join(root, 'copy'))
    const reopened = await EpochLog.open(store, 'p')
    const behind = expect.objectContaining({ code: 'LOG_BEHIND_LAKE' })
    expect(() => refuseLogBehindLake(again, reopened, 'here')).toThrow(behind)
    await adoptLog(again, reopened, landing)
    refuseLogBehindLake(again, reopened, 'here')
    expect(reopened.ends()).toMatchObject([{ to: 9, records: 5, lost: 4 }])
    expect(await rangesOf(reopened)).toEqual(['1>2 t/0 0-5'])
  },
)

test('an entry of another worker in between is seen before anything is entered as lost', async () => {
  const { store, epochs, landing, copy } = await world(5)
  const log = await copy()
  const other = await EpochLog.open(store, 'p')
  await other.take('another', [], [])
  await adoptLog(log, epochs, landing)
  expect(epochs.ends()).toMatchObject([{ to: 9, records: 5, lost: 4 }])
  expect(epochs.logId).toBe(log.id)
})

test('what has landed is read from the lake where an adopted log begins at 0 and does not hold it', async () => {
  const { root, store, epochs, landing } = await world(5)
  const log = await openLog(join(root, 'new'))
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  await adoptLog(log, epochs, landing)
  expect(log.offsets('t', 0)).toEqual({ start: 0, end: 9 })
  const read: number[] = []
  for await (const epoch of epochs.epochsAfter(0)) {
    for await (const records of new EpochReader({ log, lake: store, landing, epochs }).read(
      epoch,
      new Set('t'),
      'log',
    ))
      read.push(...records.map(({ offset }) => offset))
  }
  expect(read).toEqual([0, 1, 2, 3, 4])
})

test.each([
  ['an older copy of the log', 'copy', [0, 1, 2, 3, 4, 5, 6], 2],
  ['another log', 'another', [0, 1, 2, 3, 4], 4],
])(
  '%s is adopted over objects of a landing that was cut off: they are set aside, and do not stand in its way',
  async (_, which, held, lost) => {
    const { root, store, epochs, landing, log } = await world(5)
    // The copy ends in the middle of an object.
    await log.close()
    const older = await openLog(join(root, 'copy'))
    await append(older, 2)
    await older.close()
    const whole = await openLog(join(root, 'log'))
    const putIfAbsent = store.putIfAbsent
    store.putIfAbsent = (key, content) =>
      key.includes('/landed/') ? Promise.reject(new Error('dies')) : putIfAbsent.call(store, key, content)
    await epochs.land(whole.id, 100)
    for (const land of await epochs.landsAfter(2))
      await expect(landing.land(await epochs.landEntry(land), whole)).rejects.toThrow('dies')
    store.putIfAbsent = putIfAbsent
    const left = [...store.objects].filter(([key]) => key.startsWith('topics/t/partition=0/t+0+'))
    expect(left).toHaveLength(3)

    const log2 = await openLog(join(root, which))
    await adoptLog(log2, epochs, landing)
    const aside = [...store.objects].filter(([key]) => key.startsWith('_pinflow/p/set-aside/'))
    expect(aside.map(([key, { content }]) => [key.split('/').slice(4).join('/'), content])).toEqual(
      left.slice(1).map(([key, { content }]) => [key, content]),
    )
    for (const land of await epochs.landsAfter(2)) await landing.land(await epochs.landEntry(land), log2)
    expect(epochs.ends()).toMatchObject([{ to: 9, records: held.length, lost }])
    const markers = await Promise.all((await landing.lands()).map((land) => landing.marker(land)))
    const named = markers.flatMap(({ objects }) => objects)
    expect(named.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at))).toEqual(
      held,
    )
    // Who reads the folder finds what the markers name.
    expect([...store.objects.keys()].filter((key) => key.startsWith('topics/'))).toEqual(
      named.map(({ key }) => key),
    )
  },
)

test('logs adopted one after the other, each shorter than the last, leave what the shortest holds', async () => {
  const root = await mkdtemp(join(tmpdir(), 'behind-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const store = new MemoryStore()
  const epochs = await EpochLog.open(store, 'p')
  const landing = new Landing(store, 'p', 'topics')
  let log = await openLog(join(root, 'log'))
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  for (const records of [3, 6, 9]) {
    await append(log, 3)
    await log.close()
    await cp(join(root, 'log'), join(root, `after-${records}`), { recursive: true })
    log = await openLog(join(root, 'log'))
  }
  const { to, count, bytes } = log.extent('t', 0, 0, all)!
  await epochs.take(log.id, [{ topic: 't', partition: 0, from: 0, to, count, bytes }])
  for (const records of [6, 3]) {
    const shorter = await openLog(join(root, `after-${records}`))
    await adoptLog(shorter, epochs, landing)
    expect(epochs.ends()).toMatchObject([{ to: 9, records, lost: 9 - records }])
    for (const each of [epochs, await EpochLog.open(store, 'p')])
      expect(each.openTakes[0]?.ranges).toMatchObject([
        { from: 0, to: records, count: records, bytes: records },
      ])
  }
  const shortest = await openLog(join(root, 'after-3'))
  const land = (await epochs.land(shortest.id, 100))!
  expect((await landing.land(await epochs.landEntry(land), shortest)).objects).toMatchObject([
    { from: 0, to: 3 },
  ])
})
