/** Records that are not there: 200 of them, of every cause, each sent as a person would send it, each explained. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pipeline } from '../../src/pipeline/index.ts'
import { traceKeyOf } from '../../src/platform/index.ts'
import type { Cause } from '../../src/trace/index.ts'
import { pinterest, random, TraceHouse } from './trace-house.ts'

type Name = Cause['cause']
interface Case {
  note: string
  key: number
  dataset: 'pin' | 'geo' | 'user'
  cause: Name
  /** What the explanation names. */
  says: string | RegExp
}

const perKind = 10
const seed = 20_260_730
const draw = random(seed)
const cases: Case[] = []
const used = new Set<number>()
let house: TraceHouse

/** A key that nobody has had, and that is no part of another. */
function freshKey(): number {
  for (;;) {
    const key = 1_000_000 + draw(900_000) * 100
    if (!used.has(key)) {
      used.add(key)
      return key
    }
  }
}

async function plant(
  note: string,
  dataset: Case['dataset'],
  cause: Name,
  says: string | RegExp,
  send: (key: number) => Promise<{ status: number; text: string }>,
  statuses: readonly number[] = [200],
): Promise<void> {
  for (let count = 0; count < perKind; count++) {
    const key = freshKey()
    const { status, text } = await send(key)
    expect(statuses, `${note}: ${text}`).toContain(status)
    cases.push({ note, key, dataset, cause, says })
  }
}

const geo = (ind: number, more: object = {}) => ({
  ind,
  timestamp: '2024-09-01 06:00:00',
  latitude: 1,
  longitude: 2,
  country: 'Peru',
  ...more,
})
const pin = (index: number, more: object = {}) => ({ index, title: 'A title', follower_count: '5k', ...more })
const user = (ind: number, age: number) => ({
  ind,
  first_name: 'Ada',
  last_name: 'L',
  age,
  date_joined: '2020-01-01',
})

/** As it was before users older than 40 were let in. */
async function older(): Promise<Pipeline> {
  const pipeline = await pinterest()
  const datasets = pipeline.datasets.map((dataset) =>
    dataset.name === 'user'
      ? {
          ...dataset,
          schema: { ...dataset.schema, age: { type: 'integer' as const, min: 0, max: 40 } },
          definition: `${dataset.definition} older`,
        }
      : dataset,
  )
  return { ...pipeline, datasets }
}

async function plantQuarantined(): Promise<void> {
  await plant(
    'a text for a number',
    'geo',
    'quarantined',
    /TYPE_MISMATCH.*latitude is north.*from -90 to 90/,
    (key) => house.kafka('demo.geo', geo(key, { latitude: 'north' })),
  )
  await plant('beyond the limits', 'geo', 'quarantined', /TYPE_MISMATCH.*longitude is 200/, (key) =>
    house.kinesis('streaming-demo-geo', JSON.stringify(geo(key, { longitude: 200 }))),
  )
  await plant('a rule of the text', 'pin', 'quarantined', /VALUE_INVALID.*follower_count is lots/, (key) =>
    house.kafka('demo.pin', pin(key, { follower_count: 'lots' })),
  )
  await plant('cut off', 'pin', 'quarantined', /NOT_JSON/, (key) =>
    house.bytes('demo.pin', Buffer.from(`{"index": ${key}, "title": "cut o`)),
  )
  await plant('a member twice', 'geo', 'quarantined', /DUPLICATE_MEMBER/, (key) =>
    house.bytes('demo.geo', Buffer.from(`{"ind":${key},"country":"a","country":"b"}`)),
  )
  await plant('too deep', 'pin', 'quarantined', /TOO_DEEP/, (key) =>
    house.bytes('demo.pin', Buffer.from(`{"index":${key},"title":${'['.repeat(120)}${']'.repeat(120)}}`)),
  )
  await plant('no column', 'geo', 'quarantined', /NO_KNOWN_COLUMN/, (key) =>
    house.kafka('demo.geo', { ind: key, hello: 'world' }),
  )
  await plant('no value', 'geo', 'quarantined', /NULL_VALUE/, (key) =>
    house.bytes('demo.geo', null, String(key)),
  )
  await plant('another dataset’s topic', 'pin', 'otherDataset', /demo\.geo.*FOREIGN_RECORD/, (key) =>
    house.kafka('demo.geo', { ...pin(key), ind: key, category: 'x' }),
  )
  await plant('an older definition', 'user', 'olderDefinition', /age is 7\d .*older definition/, (key) =>
    house.kafka('demo.user', user(key, 70 + (key % 10))),
  )
}

async function plantElsewhere(): Promise<void> {
  await plant('a topic that nobody reads', 'geo', 'unreadTopic', /demo\.goe.*demo\.geo/, (key) =>
    house.kafka('demo.goe', geo(key)),
  )
  const json = { 'content-type': 'application/vnd.kafka.json.v2+json' }
  const records = (value: unknown) => JSON.stringify({ records: [{ value }] })
  await plant(
    'another content type',
    'geo',
    'refused',
    /kafka-rest.*415/,
    (key) => house.send('POST', '/topics/demo.geo', records(geo(key)), { 'content-type': 'text/plain' }),
    [415],
  )
  await plant(
    'not JSON',
    'geo',
    'refused',
    /kafka-rest.*400.*JSON/,
    (key) => house.send('POST', '/topics/demo.geo', `{"records":[{"value":{"ind":${key},}}]}`, json),
    [400],
  )
  await plant(
    'a record too large',
    'pin',
    'refused',
    /413.*RECORD_TOO_LARGE/,
    (key) => house.kafka('demo.pin', pin(key, { description: 'x'.repeat(120_000) })),
    [413],
  )
  await plant(
    'a body too large',
    'pin',
    'refused',
    /413.*REQUEST_TOO_LARGE/,
    (key) =>
      house.send('POST', '/topics/demo.pin', records(pin(key, { description: 'x'.repeat(500_000) })), json),
    [413],
  )
  await plant(
    'an unknown stream',
    'geo',
    'refused',
    /kinesis.*ResourceNotFound|kinesis.*TOPIC_UNKNOWN/,
    (key) => house.kinesis('streaming-demo-goe', JSON.stringify(geo(key))),
    [400],
  )
  await plant(
    'without a partition key',
    'geo',
    'refused',
    /api-gateway.*400.*partitionKey/,
    (key) =>
      house.send('PUT', '/streams/streaming-demo-geo/record', JSON.stringify({ Data: geo(key) }), {
        'content-type': 'application/json',
      }),
    [400],
  )
  for (let count = 0; count < perKind; count++)
    cases.push({
      note: 'never',
      key: freshKey() + 7,
      dataset: 'pin',
      cause: 'neverCame',
      says: /nearest.*index|nearest.*ind = /,
    })
}

async function expectExplained(): Promise<void> {
  for (const { note, key, dataset, cause, says } of cases.splice(0)) {
    const { datasets } = await traceKeyOf(house.platform, String(key), dataset)
    const [told] = datasets
    expect(told, note).toMatchObject({ dataset, state: 'missing' })
    const [first] = told?.causes ?? []
    expect(first?.cause, `${note}: ${first?.text}`).toBe(cause)
    expect(first?.text, note).toMatch(says)
    expect(first?.next, note).not.toBe('')
    explained++
  }
}

let explained = 0

beforeAll(async () => {
  house = await TraceHouse.make()
})
afterAll(() => house.remove())

test('quarantined, sent elsewhere, refused or never sent', { timeout: 900_000 }, async () => {
  await house.open({ pipeline: await older() })
  for (let count = 0; count < 5; count++) await house.kafka('demo.pin', pin(freshKey()))
  await plantQuarantined()
  await plantElsewhere()
  await house.platform.settle()
  await house.platform.runBatch()
  await house.close()
  await house.open()
  await house.platform.settle().catch(() => undefined)
  await expectExplained()
})

test('waiting, for each thing that it can wait for', { timeout: 900_000 }, async () => {
  const sendGeo = (key: number) => house.kafka('demo.geo', geo(key))
  await plant('the definition changed', 'user', 'waiting', /definition of user has changed/, (key) =>
    house.kafka('demo.user', user(key, 30)),
  )
  await house.platform.settle().catch(() => undefined)
  const waitingUsers = cases.map(({ key }) => key)
  await expectExplained()
  await house.platform.rebuild('user')
  await house.platform.settle()
  for (const key of waitingUsers)
    expect((await traceKeyOf(house.platform, String(key), 'user')).datasets[0]?.state).toBe('present')
  await plant('paused by a restore', 'geo', 'waiting', /cleaning is paused/, sendGeo)
  await house.platform.settle()
  await house.platform.restore('geo', { epoch: 1 })
  await expectExplained()
  await house.platform.resume('geo')
  await house.close()

  await house.open({ flags: { 'take.ageMs': 600_000 } })
  await plant('not taken yet', 'geo', 'waiting', /is taken within 600000 ms/, sendGeo)
  await expectExplained()
  await house.close()

  await house.open({ running: false })
  await plant('nothing runs', 'geo', 'waiting', /nothing takes, lands or cleans/, sendGeo)
  await expectExplained()
})

test('skipped with its topic', { timeout: 900_000 }, async () => {
  const key = freshKey()
  await house.kafka('demo.user', user(key, 20))
  await house.close()
  await house.open({ flags: { 'take.ageMs': 600_000 } })
  for (let count = 0; count < perKind; count++) {
    const lost = freshKey()
    await house.kafka('demo.user', user(lost, 20))
    cases.push({
      note: 'skipped',
      key: lost,
      dataset: 'user',
      cause: 'skipped',
      says: /may be one of \d+ records of demo\.user that were skipped/,
    })
  }
  await house.platform.deleteTopic('demo.user')
  await expectExplained()
  expect(explained).toBeGreaterThanOrEqual(200)
})
