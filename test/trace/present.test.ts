/**
 * Records that are there are found from every kind of handle. `TRACE_RECORDS=1000000 npx vitest run test/trace/present`
 * does it for 200 of each on a log of that many; what it took is printed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeSequenceNumber } from '../../src/log/index.ts'
import { traceKeyOf, traceRecords } from '../../src/platform/index.ts'
import { random, TraceHouse } from './trace-house.ts'

const records = Number(process.env.TRACE_RECORDS ?? 20_000)
const samples = process.env.TRACE_RECORDS ? 200 : 20
const appendRecords = 2_000
/** Half of them by each, as demo does. */
const topics = ['demo.geo', 'streaming-demo-geo'] as const

let house: TraceHouse
beforeAll(async () => {
  house = await TraceHouse.make()
  const platform = await house.open({ running: false })
  for (let at = 0; at < records; at += appendRecords) {
    const values = Array.from({ length: appendRecords }, (_, index) => Buffer.from(geo(at + index)))
    const topic = topics[(at / appendRecords) % 2]!
    const batch = values.map((value) => ({ key: null, value }))
    await platform.log.append({ topic, partition: 0, records: batch })
  }
  const started = performance.now()
  platform.start()
  await platform.settle()
  const settled = performance.now()
  await platform.runBatch()
  console.log(
    `${records} records: stream and lake ${Math.round(settled - started)} ms, batch ${Math.round(performance.now() - settled)} ms`,
  )
}, 1_800_000)
afterAll(() => house.remove())

/** Its key is spread over all files, so that no statistics help. */
function keyOf(at: number): number {
  return (at * 7_919) % 1_000_003
}

function geo(at: number): string {
  const filler = 'x'.repeat(200)
  return JSON.stringify({
    ind: keyOf(at),
    timestamp: '2024-09-01 06:00:00',
    latitude: (at % 180) - 90,
    longitude: (at % 360) - 180,
    country: `Land ${at % 200}`,
    filler,
  })
}

function placeAt(at: number): { topic: string; offset: number } {
  const part = Math.floor(at / appendRecords)
  return {
    topic: topics[part % 2]!,
    offset: Math.floor(part / 2) * appendRecords + (at % appendRecords),
  }
}

const draw = random(5)
const chosen = Array.from({ length: samples }, () => draw(records))

async function timed(kind: string, find: (at: number) => Promise<void>): Promise<void> {
  const took: number[] = []
  const cpu = process.cpuUsage()
  for (const at of chosen) {
    const started = performance.now()
    await find(at)
    took.push(performance.now() - started)
  }
  const { user, system } = process.cpuUsage(cpu)
  took.sort((a, b) => a - b)
  const [middle, worst] = [took[samples / 2]!, took.at(-1)!]
  console.log(
    `${kind}, ${records} records: median ${middle.toFixed(0)} ms, worst of ${samples} ${worst.toFixed(0)} ms, CPU ${((user + system) / 1000 / samples).toFixed(0)} ms each`,
  )
  // Far above what it takes: no search goes through the whole log. The machine may do other things as well.
  expect(worst).toBeLessThan(20_000)
}

describe('a record that is there is found', () => {
  test('by its place', { timeout: 900_000 }, async () => {
    await timed('place', async (at) => {
      const { topic, offset } = placeAt(at)
      const [life] = await traceRecords(house.platform, { record: `${topic}/0/${offset}` })
      expect(life).toMatchObject({
        dataset: 'geo',
        log: { state: 'held' },
        epoch: { state: 'taken' },
        lake: { state: 'landed' },
        stream: { state: 'row', row: { ind: keyOf(at) } },
        batch: { state: 'row', row: { ind: keyOf(at) } },
      })
    })
  })

  test('by its sequence number', { timeout: 900_000 }, async () => {
    await timed('sequence number', async (at) => {
      const { topic, offset } = placeAt(at)
      const { log } = house.platform
      const [record] = log.read(topic, 0, offset, { records: 1, bytes: 1 })
      const sequenceNumber = encodeSequenceNumber({
        shardCreatedMs: log.topic(topic).createdMs,
        shard: 0,
        offset,
        appendTimeMs: record!.appendTimeMs,
      })
      const lives = await traceRecords(house.platform, { sequenceNumber, stream: topic })
      expect(lives).toHaveLength(1)
      expect(lives[0]).toMatchObject({ topic, offset, stream: { state: 'row' }, batch: { state: 'row' } })
    })
  })

  test('by its key', { timeout: 900_000 }, async () => {
    await timed('key', async (at) => {
      const { topic, offset } = placeAt(at)
      const { datasets } = await traceKeyOf(house.platform, String(keyOf(at)), 'geo')
      expect(datasets).toHaveLength(1)
      expect(datasets[0]).toMatchObject({
        state: 'present',
        record: { topic, partition: 0, offset, stream: { state: 'row' }, batch: { state: 'row' } },
        rows: [{ table: 'stream.geo' }, { table: 'batch.geo' }],
      })
    })
  })
})
