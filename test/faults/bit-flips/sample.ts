/** A data folder with every kind of file in it, made by the real platform, closed, with records that wait in its log. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { type Config, loadConfig, type NewRecord } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'
import type { Pipeline } from '../../../src/pipeline/index.ts'
import { Platform } from '../../../src/platform/index.ts'
import { thing, topics } from '../../model/things.ts'

const pipeline: Pipeline = { name: 'sample', folder: '', datasets: [thing], questions: [] }
const segmentBytes = 8_000
/** A checkpoint comes after the tenth commit. */
const rounds = 12
/** Few rounds add files, and are landed and cleaned as a batch: what is read anew for every damage is little. */
const fruitfulEvery = 6

async function configOf(data: string): Promise<Config> {
  const flags = {
    data,
    'log.segmentBytes': segmentBytes,
    'log.freeBytesMin': 0,
    'land.flushSize': 50,
  }
  const { config } = await loadConfig({ environment: {}, flags, folder: data })
  return config
}

export async function openSample(data: string): Promise<Platform> {
  return Platform.open({ config: await configOf(data), pipeline, logger: pino({ level: 'silent' }) })
}

/** In some rounds rows, one that differs under a key that was there, and what is no row; in all of them a copy. */
function recordsOf(round: number): NewRecord[] {
  const row = (of: number, place: number) => ({ id: `r${of}-${place}`, n: place, t: 'x'.repeat(200) })
  const copy = row(round - (round % fruitfulEvery), 3)
  const isFruitful = round % fruitfulEvery === 0
  const others = [
    { ...row(0, 4), n: 5 },
    { id: `bad-${round}`, n: -1, t: 'negative' },
  ]
  const fresh = Array.from({ length: 12 }, (_, place) => row(round, place))
  return (isFruitful ? [...fresh, copy, ...others] : [copy]).map((value) => ({
    key: Buffer.from(value.id),
    value: Buffer.from(JSON.stringify(value)),
    headers: [['round', Buffer.from(String(round))]],
    timestampMs: 1_700_000_000_000 + round,
  }))
}

type Appends = Pick<EmbeddedLog, 'append'>

/** A batch, and small ones. */
async function appendRound(log: Appends, round: number): Promise<void> {
  await log.append({ topic: topics[0], partition: 0, records: recordsOf(round) })
  const [copy] = recordsOf(0)
  await log.append({ topic: topics[1], partition: 0, records: [copy!] })
  await log.append({ topic: topics[0], partition: 0, records: [{ ...copy!, key: null }] })
}

/** Wait until the stream has committed a version. */
async function streamed(platform: Platform, version: number): Promise<void> {
  const { table } = platform.catalog.find(({ name }) => name === 'stream.thing')!
  while (((await table.snapshot())?.version ?? -1) < version) await sleep(20)
}

export async function makeSample(data: string): Promise<void> {
  const platform = await openSample(data)
  platform.start()
  for (let round = 0; round < rounds; round++) {
    await appendRound(platform.log, round)
    await streamed(platform, round)
    // Behind in the end, so that a run has something to clean as a batch.
    if (round % fruitfulEvery === 0) {
      await platform.settle()
      await platform.runBatch()
    }
  }
  await platform.close()
  const log = await EmbeddedLog.open(join(data, 'log'), {
    recordBytesMax: 2 ** 20,
    segmentBytes,
    segmentAgeMs: 1e12,
    freeBytesMin: 0,
  })
  await appendRound(log, rounds)
  await log.close()
  // As a process that was killed leaves it.
  const owner = { apiUrl: 'http://127.0.0.1:1', gatewayUrl: 'http://127.0.0.1:2', token: 'x', pid: 1 }
  await writeFile(join(data, 'server.json'), `${JSON.stringify(owner)}\n`)
}
