import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/platform/index.ts'
import { jsonLines, launch, pinflow, pinflowJson, start } from './pinflow.ts'

const questions = ['1', '2', '3a', '3b', '4', '5', '6', '7', '8']
const datasets = ['pin', 'geo', 'user'] as const
const count = expect.any(Number)
const path = { read: count, rows: count, duplicates: count, quarantined: count }

/** What `demo --json` and `run batch --json` print. */
function contract(data: string, sent: number | null): unknown {
  const account = { sent, acknowledged: sent, appended: count, landed: count, stream: path, batch: path }
  const tables = datasets.flatMap((dataset) =>
    ['stream', 'batch'].flatMap((way) => [`${way}.${dataset}`, `quarantine.${way}.${dataset}`]),
  )
  const table = (name: string) => ({
    path: join(data, 'tables', ...name.split('.')),
    version: count,
    rows: count,
  })
  return {
    account: Object.fromEntries(datasets.map((dataset) => [dataset, account])),
    answers: Object.fromEntries(questions.map((name) => [name, expect.any(Array)])),
    kept: { run: count },
    verify: { ok: true, checks: expect.any(Array) },
    sourceErrors: 0,
    tables: Object.fromEntries(tables.map((name) => [name, table(name)])),
    seconds: expect.objectContaining({ total: count }),
  }
}

/** Each record once in the account, as the sender, the log, the lake and both tables have it. */
function expectClosed({ account, verify }: Report, posts: number): void {
  for (const { appended, landed, stream, batch } of Object.values(account)) {
    expect([appended, landed, stream.read, batch.read]).toEqual([posts, posts, posts, posts])
    expect(stream.rows + stream.duplicates + stream.quarantined).toBe(posts)
    expect(batch).toEqual(stream)
  }
  expect(verify.checks.length).toBeGreaterThan(0)
  for (const check of verify.checks)
    expect(check).toEqual({ name: expect.any(String), ok: true, detail: expect.any(String) })
}

let folder: string
let data: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-e2e-'))
  data = join(folder, 'data')
})

afterAll(() => rm(folder, { recursive: true }))

describe('demo', () => {
  test('prints one document: account, answers, verification, tables, seconds', async () => {
    const { code, stdout, stderr } = await pinflow(['demo', '--posts', '40', '--data', data, '--json'])
    const report = JSON.parse(stdout) as Report
    expect(report).toEqual(contract(data, 40))
    expectClosed(report, 40)
    // 40 draws, 40 different rows.
    expect(report.account.pin?.batch).toEqual({ read: 40, rows: 40, duplicates: 0, quarantined: 0 })
    for (const rows of Object.values(report.answers)) expect(rows[0]).toEqual(expect.any(Object))
    const [first] = report.answers['1'] ?? []
    expect(first).toEqual({
      country: expect.any(String),
      category: expect.any(String),
      category_count: count,
    })
    for (const { median_follower_count: median } of report.answers['5'] ?? []) expect(median).toEqual(count)
    expect(stderr).not.toContain('{')
    expect(code).toBe(0)
  })

  test('runs twice in a row without a folder of its own, each time in a new one', async () => {
    const options = { env: { TMPDIR: folder }, cwd: folder }
    for (const turn of [1, 2]) {
      const { code, stdout } = await pinflow(['demo', '--posts', '3', '--order', 'sequential'], options)
      expect(code).toBe(0)
      const made = (await readdir(folder)).filter((name) => name.startsWith('pinflow-demo-'))
      expect(made).toHaveLength(turn)
      expect(stdout).toContain('Verified: all')
      expect(made.some((name) => stdout.includes(join(folder, name)))).toBe(true)
    }
  })

  test('stopped by Ctrl-C ends with 130 and keeps what was posted', async () => {
    const stopped = join(folder, 'stopped')
    const child = launch(['demo', '--posts', '100000', '--data', stopped, '--json'])
    child.stderr!.once('data', () => setTimeout(() => child.kill('SIGINT'), 300))
    const [stdout, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')])
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    const report = await pinflowJson<Report>(['run', 'batch', '--data', stopped])
    const { appended } = report.account.user!
    expect(appended).toBeLessThan(100_000)
    expect(report.verify.ok).toBe(true)
  })
})

describe('demo --source ndjson:DIR', () => {
  test('posts files of different length, and names a malformed line by file and line', async () => {
    const source = join(folder, 'source')
    await mkdir(source)
    const pins = ['{"index":1,"title":"a"}', '{"index":2,', '', '{"index":4,"category":"art"}']
    const places = [1, 2, 3, 4, 5, 6].map((ind) => `{"ind":${ind},"country":"Aruba"}`)
    await writeFile(join(source, 'pin.ndjson'), pins.join('\n'))
    await writeFile(join(source, 'geo.ndjson'), `${places.join('\r\n')}\r\n`)
    const given = join(folder, 'given')
    const args = ['demo', '--source', `ndjson:${source}`, '--data', given, '--json']
    const { code, stdout, stderr } = await pinflow(args)
    const { account, sourceErrors, verify } = JSON.parse(stdout) as Report
    const sent = Object.values(account).map((dataset) => [
      dataset.sent,
      dataset.acknowledged,
      dataset.batch.rows,
    ])
    expect(sent).toEqual([
      [2, 2, 2],
      [6, 6, 6],
      [0, 0, 0],
    ])
    expect(sourceErrors).toBe(1)
    expect(verify.ok).toBe(true)
    expect(stderr).toContain(`${join(source, 'pin.ndjson')}:2: `)
    expect(code).toBe(1)
  })

  test.each([
    ['ndjson:nowhere', 'SOURCE_UNREADABLE: nowhere does not exist'],
    ['csv:x', 'USAGE: --source csv:x: a source is ndjson:DIR'],
  ])('%s is refused', async (source, message) => {
    const options = { env: { TMPDIR: folder } }
    const { code, stdout, stderr } = await pinflow(['demo', '--source', source, '--json'], options)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
  })
})

/** What people ask of a folder, and what 40 posts must give; the same with and without a server. */
async function expectCommands(posts: number): Promise<void> {
  const all = ['--data', data]
  const topics = await pinflowJson<{ name: string; partitions: { start: number; end: number }[] }[]>([
    'topics',
    ...all,
  ])
  const ends = Object.fromEntries(topics.map(({ name, partitions: [only] }) => [name, only?.end]))
  expect(ends).toEqual({
    'demo.pin': posts / 2,
    'demo.geo': posts / 2,
    'demo.user': posts / 2,
    'streaming-demo-pin': posts / 2,
    'streaming-demo-geo': posts / 2,
    'streaming-demo-user': posts / 2,
  })

  const consumed = await pinflow(['consume', 'streaming-demo-pin', '--from-beginning', '--json', ...all])
  const records = jsonLines(consumed.stdout)
  expect(records.map(({ offset }) => offset)).toEqual(
    Array.from({ length: posts / 2 }, (_, offset) => offset),
  )
  expect(records[0]).toEqual({
    topic: 'streaming-demo-pin',
    partition: 0,
    offset: 0,
    key: expect.any(String),
    value: expect.stringContaining('"unique_id"'),
    headers: expect.any(Array),
    timestampMs: count,
  })

  const sql = `SELECT ind, "timestamp", coordinates, (SELECT count(*) FROM demo_pin) AS n
    FROM batch.geo WHERE coordinates IS NOT NULL ORDER BY ind LIMIT 1`
  const answer = await pinflowJson<Record<string, unknown>>(['sql', sql, ...all])
  expect(answer).toEqual({
    columns: [
      { name: 'ind', type: 'INTEGER' },
      { name: 'timestamp', type: 'TIMESTAMP WITH TIME ZONE' },
      { name: 'coordinates', type: 'DOUBLE[]' },
      { name: 'n', type: 'BIGINT' },
    ],
    rows: [
      {
        ind: count,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        coordinates: [count, count],
        n: 40,
      },
    ],
    versions: { 'batch.geo': count, 'batch.pin': count },
  })

  const verified = await pinflow(['verify', ...all])
  expect(verified.stdout).toMatch(/Verified: all \d+ checks hold\.\n$/)
  expect(verified.code).toBe(0)
}

describe('on the folder of a demo, without a server', () => {
  test('run batch prints the same document: what was sent is unknown, the rest cumulative', async () => {
    const report = await pinflowJson<Report>(['run', 'batch', '--data', data])
    expect(report).toEqual(contract(data, null))
    expectClosed(report, 40)
  })

  test('topics, consume, sql and verify agree with it', () => expectCommands(40))

  test('ask answers one question or all; tables lists tables and their history', async () => {
    const answers = await pinflowJson<Record<string, object>>(['ask', '--data', data])
    expect(Object.keys(answers).sort()).toEqual(questions)
    const shown = await pinflow(['ask', '3b', '--from', 'stream', '--data', data])
    expect(shown.stdout).toMatch(/^3b {2}Country or countries with the most-followed poster\n {2}country/)
    const history = await pinflowJson<object[]>(['tables', 'history', 'stream.user', '--data', data])
    const [newest] = history
    expect(newest).toMatchObject({ version: history.length - 1, commitInfo: { operation: 'WRITE' } })
    const tables = await pinflowJson<Report['tables']>(['tables', '--data', data])
    expect(tables['stream.user']).toMatchObject({ version: history.length - 1 })
  })
})

describe('against a running platform', () => {
  test('emulate posts through its doors, and every command speaks to it', async () => {
    const server = await start(['--data', data])
    try {
      const emulated = await pinflowJson<Record<string, unknown>>([
        'emulate',
        '--posts',
        '20',
        '--data',
        data,
      ])
      const twenty = { sent: 20, acknowledged: 20, failed: 0 }
      expect(emulated).toEqual({
        datasets: { pin: twenty, geo: twenty, user: twenty },
        retries: 0,
        refused: [],
        sourceErrors: [],
      })
      // The rows of the first twenty posts again: repeats, so the tables stay as they are.
      await expectCommands(60)
      const report = await pinflowJson<Report>(['run', 'batch', '--data', data])
      expectClosed(report, 60)
      expect(report.account.pin?.batch).toEqual({ read: 60, rows: 40, duplicates: 20, quarantined: 0 })

      const follow = launch(['consume', 'demo.pin', '--follow', '--json', '--data', data])
      let seen = 0
      follow.stdout!.on('data', (chunk: Buffer) => {
        seen += chunk.filter((byte) => byte === 0x0a).length
        if (seen === 10) follow.kill('SIGINT')
      })
      const [lines, [code]] = await Promise.all([text(follow.stdout!), once(follow, 'close')])
      expect(jsonLines(lines)).toHaveLength(10)
      expect(code).toBe(130)
    } finally {
      expect(await server.stop()).toBe(0)
    }
  })
})
