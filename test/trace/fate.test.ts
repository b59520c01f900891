/** What became of a record whose key others have as well, through everything that moves rows to other files. */
import { expect, onTestFinished, test } from 'vitest'
import type { OperationName } from '../../src/api/index.ts'
import { runOperation } from '../../src/api/index.ts'
import { traceKeyOf, traceRecords } from '../../src/platform/index.ts'
import { pinterest, TraceHouse } from './trace-house.ts'

async function houseOf(onDuplicate: 'first' | 'last'): Promise<TraceHouse> {
  const house = await TraceHouse.make()
  onTestFinished(() => house.remove())
  const pipeline = await pinterest()
  const datasets = pipeline.datasets.map((dataset) => ({ ...dataset, onDuplicate }))
  await house.open({ pipeline: { ...pipeline, datasets } })
  return house
}

/** Send in one request, so that they are cleaned together, and clean what came. */
async function send(house: TraceHouse, ...records: object[]): Promise<void> {
  const body = JSON.stringify({ records: records.map((value) => ({ value })) })
  const headers = { 'content-type': 'application/vnd.kafka.json.v2+json' }
  expect((await house.send('POST', '/topics/demo.geo', body, headers)).status).toBe(200)
  await house.platform.settle()
  await house.platform.runBatch()
}

const geo = (ind: number, country: string) => ({ ind, country, latitude: 1, longitude: 2 })
const place = (offset: number) => ({ topic: 'demo.geo', partition: 0, offset })

async function fates(house: TraceHouse, offset: number) {
  const [life] = await traceRecords(house.platform, { record: `demo.geo/0/${offset}` })
  return { stream: life?.stream, batch: life?.batch }
}

/** Of each offset: null for the row, else the offset that it is a duplicate of. */
async function expectMakers(house: TraceHouse, expected: readonly (number | null)[]): Promise<void> {
  for (const [offset, of] of expected.entries()) {
    const fate = of === null ? { state: 'row' } : { state: 'duplicate', of: place(of) }
    expect(await fates(house, offset), `offset ${offset}`).toMatchObject({ stream: fate, batch: fate })
  }
}

function operate(house: TraceHouse, name: OperationName, parameters: object): Promise<unknown> {
  const context = { platform: house.platform, signal: new AbortController().signal, emit: () => undefined }
  return runOperation(name, context, parameters)
}

test('a duplicate names the record that is the row, whatever happened to the table since', async () => {
  const house = await houseOf('first')
  // The first looks as if it had the key, by its bytes.
  const other = { ...geo(3, 'Peru'), near: { ind: 12 } }
  await send(house, other, geo(12, 'Peru'), geo(1, 'Peru'), geo(12, 'Peru'))
  await send(house, geo(2, 'Chile'), geo(12, 'Peru'), geo(112, 'Peru'))
  const expected = [null, null, null, 1, null, 1, null]
  await expectMakers(house, expected)
  for (const table of ['stream.geo', 'batch.geo']) await operate(house, 'optimize', { table })
  await expectMakers(house, expected)
  await house.platform.rebuild('geo')
  await expectMakers(house, expected)
  const { datasets } = await traceKeyOf(house.platform, '12', 'geo')
  expect(datasets).toMatchObject([{ state: 'present', record: { ...place(1), stream: { state: 'row' } } }])
})

test('a record that differs from the first of its key is in quarantine, and the first is the row', async () => {
  const house = await houseOf('first')
  await send(house, geo(7, 'Peru'), geo(7, 'Chile'))
  const fate = { state: 'quarantined', reason: 'DUPLICATE_KEY_DIFFERS', passesNow: false }
  expect(await fates(house, 1)).toMatchObject({ stream: fate, batch: fate })
  await expectMakers(house, [null])
})

test('where the last wins, those before it are its duplicates', async () => {
  const house = await houseOf('last')
  await send(house, geo(7, 'Peru'), geo(8, 'Peru'), geo(7, 'Chile'))
  await expectMakers(house, [2, null, null])
  await send(house, geo(7, 'Cuba'), geo(10, 'Peru'), geo(7, 'Malta'))
  await expectMakers(house, [5, null, 5, 5, null, null])
})

test('what a row says of its file is so: the version that brought it, and its time', async () => {
  const house = await houseOf('first')
  for (let round = 0; round < 4; round++) await send(house, geo(100 + round, 'Peru'))
  for (let round = 0; round < 4; round++) {
    const { stream } = await fates(house, round)
    if (stream?.state !== 'row') throw new Error('it is no row')
    const { table } = house.platform.catalog.find(({ name }) => name === 'stream.geo')!
    const added = await table.snapshot(stream.addedByVersion)
    const before = await table.snapshot(stream.addedByVersion! - 1)
    expect(added?.files.has(stream.file)).toBe(true)
    expect(before?.files.has(stream.file)).toBe(false)
    expect(stream.committedMs).toBe(added?.timestampMs)
    expect(stream.row).toMatchObject({ ind: 100 + round })
  }
})
