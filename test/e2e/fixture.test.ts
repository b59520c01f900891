/**
 * Forty-odd posts, written by hand, through real doors into a real platform: what every record becomes, what the
 * tables hold and what the questions answer was worked out on paper, and stands beside the records.
 *
 *     test/fixtures/posts/pins.ts, later-pins.ts, geos.ts, users.ts    each record with its fate
 *     test/fixtures/posts/answers.ts                                   the posts as a table, and the answers
 *
 * The later records are sent when the first ones have been cleaned both ways, so that copies meet rows of an earlier
 * commit as well as of their own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountOf, type CleaningPath, cleaningPaths, reasons } from '../../src/clean/index.ts'
import { textOrBase64 } from '../../src/engine/index.ts'
import { valueIn } from '../../src/lake/line.ts'
import { askQuestion, type Platform, runSql, verifyPlatform } from '../../src/platform/index.ts'
import { answers } from '../fixtures/posts/answers.ts'
import { geos, laterGeos } from '../fixtures/posts/geos.ts'
import { laterPins } from '../fixtures/posts/later-pins.ts'
import { pins } from '../fixtures/posts/pins.ts'
import type { Sent } from '../fixtures/posts/record.ts'
import { laterUsers, users } from '../fixtures/posts/users.ts'
import { FrontDoors, type Place } from './doors.ts'
import { type Running, startServer } from './server.ts'

type Name = 'pin' | 'geo' | 'user'

const datasets: readonly { name: Name; first: readonly Sent[]; later: readonly Sent[]; columns: string[] }[] =
  [
    {
      name: 'pin',
      first: pins,
      later: laterPins,
      columns: [
        'ind INTEGER',
        'unique_id VARCHAR',
        'title VARCHAR',
        'description VARCHAR',
        'follower_count INTEGER',
        'poster_name VARCHAR',
        'tag_list VARCHAR',
        'is_image_or_video VARCHAR',
        'image_src VARCHAR',
        'save_location VARCHAR',
        'category VARCHAR',
      ],
    },
    {
      name: 'geo',
      first: geos,
      later: laterGeos,
      columns: [
        'ind INTEGER',
        'country VARCHAR',
        'coordinates DOUBLE[]',
        'timestamp TIMESTAMP WITH TIME ZONE',
      ],
    },
    {
      name: 'user',
      first: users,
      later: laterUsers,
      columns: ['ind INTEGER', 'user_name VARCHAR', 'age INTEGER', 'date_joined TIMESTAMP WITH TIME ZONE'],
    },
  ]
const each = datasets.flatMap((dataset) => cleaningPaths.map((path) => ({ ...dataset, path })))

/** Counted by hand over the files of the fixture. */
const accounts: Readonly<Record<Name, Awaited<ReturnType<typeof accountOf>>>> = {
  // First: 25 good, 19 bad. Later: 3 good (40, 44, 45), 6 copies (0 three times, 1, 12, 44), 39 bad.
  // Unwrapped: 11, 12, 13, and of the bad ones 49, 51, 56.
  pin: { read: 92, rows: 28, duplicates: 6, quarantined: 58, unwrapped: 6 },
  // First: 24 good, 20 bad. Later: 1 good (29), 3 copies (0, 1, 6), 5 bad. Unwrapped: 10, 13, and the bad 44.
  geo: { read: 53, rows: 25, duplicates: 3, quarantined: 25, unwrapped: 3 },
  // First: 29 good, 15 bad. Later: 1 good (44), 4 copies (0 twice, 3, 19), 3 bad. Unwrapped: 13, and the copy of 3.
  user: { read: 52, rows: 30, duplicates: 4, quarantined: 18, unwrapped: 2 },
}

let running: Running
let platform: Platform
/** Where the doors said that each record stands. */
const places = new Map<Sent, Place>()

beforeAll(async () => {
  running = await startServer()
  platform = running.platform
  const doors = new FrontDoors(running.gatewayUrl)
  for (const part of ['first', 'later'] as const) {
    const most = Math.max(...datasets.map((dataset) => dataset[part].length))
    for (let post = 0; post < most; post++) {
      for (const { name, [part]: records } of datasets) {
        const record = records[post]
        if (record) places.set(record, await doors.send(name, record))
      }
    }
    await platform.settle()
    await platform.runBatch()
  }
  doors.close()
})

afterAll(() => running?.stop())

describe('the fixture', () => {
  test('holds a record of each dataset for each of at least forty posts', () => {
    expect(pins.length).toBeGreaterThanOrEqual(40)
    for (const { first } of datasets) expect(first.map(({ post }) => post)).toEqual([...pins.keys()])
  })

  test('holds every reason but SQL_FAILED, which the text of this pipeline cannot bring about', () => {
    const found = new Set(datasets.flatMap(fates('reason')).map(({ reason }) => reason.split(' ')[0]))
    expect([...found, 'SQL_FAILED'].sort()).toEqual(Object.keys(reasons).sort())
  })
})

describe.each(datasets)('the records of $name', ({ name, first, later }) => {
  const sent = [...first, ...later]

  test('stand where they were put: one after the other in the topic or the stream of their door', () => {
    const ends = new Map<string, number>()
    for (const record of sent) {
      const toTopic = record.door === 'kafka' || record.door === 'binary'
      const topic = toTopic ? `demo.${name}` : `streaming-demo-${name}`
      const offset = ends.get(topic) ?? 0
      ends.set(topic, offset + 1)
      expect(places.get(record), described(record)).toEqual({ topic, partition: 0, offset })
    }
    for (const [topic, end] of ends) expect(platform.log.offsets(topic, 0)).toEqual({ start: 0, end })
  })

  test('come back from the log, to the byte', () => {
    for (const record of sent) {
      const { topic, partition, offset } = places.get(record)!
      const [found] = platform.log.read(topic, partition, offset, { records: 1, bytes: 1 })
      expect(found?.value, described(record)).toEqual(record.stored)
    }
  })

  test('are a line each in the lake, and come back from it, to the byte', async () => {
    const lines = await lakeLines()
    for (const record of sent) {
      const line = lines.get(keyOf(places.get(record)!))!
      const { stored, wrapped } = record
      const content = stored === null ? 'null' : `"${stored.toString('base64')}"`
      const expected = wrapped ? Buffer.from(`{"$pinflow":{"base64":${content}}}`) : stored
      expect(line, described(record)).toEqual(expected)
      expect(valueIn(line), described(record)).toEqual(stored)
    }
  })
})

describe.each(each)('the $path table of $name', ({ name, path, first, later, columns }) => {
  test('holds the rows of the fixture, every column, and no other', async () => {
    const empty = Object.fromEntries(columns.map((column) => [column.split(' ')[0], null]))
    const expected = fates('row')({ first, later })
      .map(({ row }) => ({ ...empty, ...row }))
      .sort((a, b) => Number(a.ind) - Number(b.ind))
    const found = await runSql(platform, `SELECT * FROM ${path}."${name}" ORDER BY ind`, path)
    expect(found.columns.map((column) => `${column.name} ${column.type}`)).toEqual(columns)
    expect(found.rows).toEqual(expected)
  })

  test('has each bad record in its quarantine, with place, reason and bytes', async () => {
    const expected = [...first, ...later].flatMap((record) =>
      'reason' in record.fate
        ? [{ ...places.get(record)!, reason: record.fate.reason, value: textOrBase64(record.stored) }]
        : [],
    )
    const { rows } = await runSql(
      platform,
      `SELECT topic, "partition", "offset", reason, value FROM quarantine."${name}" WHERE path = '${path}'`,
      path,
    )
    expect(inOrder(rows as typeof expected)).toEqual(inOrder(expected))
  })

  test('accounts for every record that was sent', async () => {
    const { table } = platform.catalog.find((entry) => entry.name === `${path}.${name}`)!
    const account = await accountOf(table, (await table.snapshot())!)
    expect(account).toEqual(accounts[name])
    expect(account.read).toBe(first.length + later.length)
    expect(account.read).toBe(account.rows + account.duplicates + account.quarantined)
  })
})

describe.each(cleaningPaths)('from the %s tables', (path: CleaningPath) => {
  test.each(Object.keys(answers))(
    'question %s has the answer that was worked out by hand',
    async (question) => {
      expect((await askQuestion(platform, question, path)).rows).toEqual(answers[question])
    },
  )
})

test('every question of the pipeline has an answer here', () => {
  expect(platform.pipeline.questions.map(({ name }) => name).sort()).toEqual(Object.keys(answers).sort())
})

test('everything adds up when it is recounted', async () => {
  const { ok, checks, accounts: counted } = await verifyPlatform(platform)
  expect(checks.filter((check) => !check.ok || check.detail.startsWith('not run'))).toEqual([])
  expect(ok).toBe(true)
  for (const { name } of datasets) {
    const { unwrapped, ...account } = accounts[name]
    const { read } = account
    const whole = { appended: read, landed: read, waiting: 0, skipped: 0, lost: 0 }
    expect(counted[name]).toMatchObject({ ...whole, stream: account, batch: account })
  }
})

/** The fates of one kind, in the order in which they were sent. */
function fates<Kind extends 'row' | 'reason'>(kind: Kind) {
  type Fate = Extract<Sent['fate'], Record<Kind, unknown>>
  return ({ first, later }: { first: readonly Sent[]; later: readonly Sent[] }) =>
    [...first, ...later].flatMap(({ fate }) => (kind in fate ? [fate as Fate] : []))
}

function described({ post, note, door }: Sent): string {
  return `post ${post}, ${note} (${door})`
}

function keyOf({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`
}

function inOrder<Entry extends Place>(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.offset - b.offset))
}

/** Every line of the raw lake, by the place of its record. */
async function lakeLines(): Promise<Map<string, Buffer>> {
  const lines = new Map<string, Buffer>()
  for (const land of await platform.epochs.landsAfter(0)) {
    for (const { key, topic, partition, from } of (await platform.landing.marker(land)).objects) {
      const content = (await platform.lake.get(key))!
      let start = 0
      for (let offset = from; start < content.length; offset++) {
        const end = content.indexOf(0x0a, start)
        lines.set(keyOf({ topic, partition, offset }), content.subarray(start, end))
        start = end + 1
      }
    }
  }
  return lines
}
