/** Records that something happened to outside of cleaning: left out, let go of, in a table that is damaged. */
import { readFile, writeFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { traceKeyOf, traceRecords } from '../../src/platform/index.ts'
import { TraceHouse } from './trace-house.ts'

const topic = 'demo.geo'
const geo = (ind: number) => ({ ind, country: 'Peru', latitude: 1, longitude: 2, note: 'x'.repeat(400) })

async function makeHouse(): Promise<TraceHouse> {
  const house = await TraceHouse.make()
  onTestFinished(() => house.remove())
  return house
}

/** Send so many, and let all of them through that are taken. */
async function send(house: TraceHouse, from: number, to: number): Promise<void> {
  for (let ind = from; ind < to; ind++) expect((await house.kafka(topic, geo(ind))).status).toBe(200)
  await house.platform.settle()
  await house.platform.runBatch()
}

/** Let the log forget what it can, whether it is needed or not. @returns the first offset that it holds */
async function forget({ platform: { log } }: TraceHouse): Promise<number> {
  await log.retain({ ageMs: 0, bytesMax: 0 }, () => Number.POSITIVE_INFINITY)
  return log.offsets(topic, 0).start
}

const life = async (house: TraceHouse, offset: number) =>
  (await traceRecords(house.platform, { record: `${topic}/0/${offset}` }))[0]
const causesOf = async (house: TraceHouse, key: number) =>
  (await traceKeyOf(house.platform, String(key), 'geo')).datasets[0]?.causes

const segments = { 'log.segmentBytes': 2_000 }

test('what the log has dropped is told by lake and tables', async () => {
  const house = await makeHouse()
  await house.open({ flags: segments })
  await send(house, 0, 20)
  const start = await forget(house)
  expect(start).toBeGreaterThan(2)
  expect(await life(house, 2)).toMatchObject({
    log: { state: 'dropped', startOffset: start },
    epoch: { state: 'taken' },
    lake: { state: 'landed' },
    stream: { state: 'row', row: { ind: 2 } },
    batch: { state: 'row', row: { ind: 2 } },
  })
  const { datasets } = await traceKeyOf(house.platform, '2', 'geo')
  expect(datasets).toMatchObject([{ state: 'present', record: { offset: 2, log: { state: 'dropped' } } }])
})

test('a topic that is not taken says so; what the log let go of meanwhile is lost', async () => {
  const house = await makeHouse()
  await house.open({ flags: { ...segments, 'lake.topics': ['streaming-*'] } })
  await send(house, 0, 20)
  expect(await life(house, 2)).toMatchObject({ log: { state: 'held' }, epoch: { state: 'leftOut' } })
  expect(await causesOf(house, 2)).toMatchObject([{ cause: 'notTaken', record: { offset: 2 } }])
  const start = await forget(house)
  await house.close()
  await house.open({ flags: segments })
  await send(house, 20, 21)
  const records = start
  expect(await life(house, 2)).toMatchObject({
    log: { state: 'dropped' },
    epoch: { state: 'lost', records, why: 'the log no longer held it when it was to be taken' },
    lake: { state: 'none' },
  })
  expect(await causesOf(house, 2)).toMatchObject([
    { cause: 'lost', topic, records, next: expect.stringMatching(/Send it again/) },
    { cause: 'neverCame' },
  ])
  expect((await traceKeyOf(house.platform, '20', 'geo')).datasets).toMatchObject([{ state: 'present' }])
})

test('a record that comes, and is taken, while it is sought is found', async () => {
  const house = await makeHouse()
  const { epochs } = await house.open()
  await send(house, 0, 3)
  const epochsAfter = epochs.epochsAfter.bind(epochs)
  let isFirst = true
  epochs.epochsAfter = async function* (after) {
    yield* epochsAfter(after)
    if (!isFirst) return
    isFirst = false
    // A value that is no row, so that it is sought among all records.
    await house.kafka(topic, { ...geo(77), latitude: 'north' })
    await house.platform.settle()
  }
  expect(await causesOf(house, 77)).toMatchObject([{ cause: 'quarantined', record: { offset: 3 } }])
})

test('what is no whole number is no key of a column of whole numbers, however near; nor is one without end', async () => {
  const house = await makeHouse()
  await house.open()
  await send(house, 6, 7)
  for (const key of ['6.4', '6.0', '1e1', '9'.repeat(56)]) {
    const { datasets } = await traceKeyOf(house.platform, key, 'geo')
    expect(datasets).toMatchObject([{ state: 'missing', causes: [{ cause: 'neverCame' }] }])
  }
  expect((await traceKeyOf(house.platform, '+6', 'geo')).datasets).toMatchObject([{ state: 'present' }])
})

test('requests that were refused, and are not kept whole, are told where a key never came', async () => {
  const house = await makeHouse()
  await house.open()
  await send(house, 0, 1)
  const records = Array.from({ length: 100 }, (_, at) => ({ value: geo(1_000 + at) }))
  const body = JSON.stringify({ records })
  const refused = await house.send('POST', `/topics/${topic}`, body, { 'content-type': 'text/plain' })
  expect(refused.status).toBe(415)
  expect(await causesOf(house, 1_000)).toMatchObject([{ cause: 'refused' }])
  expect(await causesOf(house, 1_099)).toMatchObject([
    { cause: 'neverCame', refusedUnseen: 1, text: expect.stringMatching(/in one of 1 refused requests/) },
  ])
})

test('a damaged table is named, and the other one is told', async () => {
  const house = await makeHouse()
  await house.open()
  await send(house, 0, 3)
  const { table } = house.platform.catalog.find(({ name }) => name === 'stream.geo')!
  const files = [...(await table.snapshot())!.files.keys()]
  const paths = await Promise.all(files.map((file) => table.store.localPath(`${table.prefix}/${file}`)))
  await house.close()
  for (const path of paths) {
    const content = await readFile(path)
    content[100]! ^= 1
    await writeFile(path, content)
  }
  await house.open()
  expect(await life(house, 2)).toMatchObject({
    stream: {
      state: 'unreadable',
      table: 'stream.geo',
      message: expect.stringMatching(/\.parquet is not what was written/),
      next: expect.stringMatching(/./),
    },
    batch: { state: 'row', row: { ind: 2 } },
  })
  const { datasets } = await traceKeyOf(house.platform, '2', 'geo')
  expect(datasets).toMatchObject([{ state: 'present', rows: [{ table: 'batch.geo' }] }])
})

test('a search that nobody waits for ends', async () => {
  const house = await makeHouse()
  await house.open()
  await send(house, 0, 3)
  const asked = traceKeyOf(house.platform, '77', 'geo', AbortSignal.abort())
  await expect(asked).rejects.toMatchObject({ code: 'STOPPING' })
})
