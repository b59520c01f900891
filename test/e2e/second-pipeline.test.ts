import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pinflow, pinflowJson } from './pinflow.ts'

const folder = 'test/fixtures/orchard'
let data: string

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'pinflow-orchard-'))
})

afterAll(() => rm(data, { recursive: true }))

/** 60 posts are five times each of the twelve rows of `source.ts`. */
const harvest = {
  read: 60,
  // Rows 1 to 9, each tree and day once; row 10 is bad.
  rows: 9,
  // Row 10 each time; rows 2 and 12 have one key and differ, so those of one of them that came later, five.
  quarantined: 10,
  // The other copies of rows 1 to 9, and row 11, which says what row 1 says: 60 − 9 − 10.
  duplicates: 41,
}
/** Without a key nothing repeats; row 4 is no object. */
const weather = { read: 60, rows: 55, quarantined: 5, duplicates: 0 }

const sent = { sent: 60, acknowledged: 60, appended: 60, landed: 60 }

const account = {
  harvest: { ...sent, stream: harvest, batch: harvest },
  weather: { ...sent, stream: weather, batch: weather },
}

const answers = {
  // north: 7 of 12 rows, five times; (9.5 + 21.5 + 8 + 17.5 + 8 + 10.5) / 6. south: 4 rows; (22.5 + 18.5 + 20 + 11) / 4.
  stations: [
    { station: 'north', readings: 35, mean_celsius: 12.5 },
    { station: 'south', readings: 20, mean_celsius: 18 },
  ],
  // Boskoop 12 + 8 + 10 + 9 kg; Elstar 5 + 7.5 + 6 kg; Quince 3 kg and one harvest without a weight.
  varieties: [
    { variety: 'Boskoop', harvests: 4, grams: 39_000 },
    { variety: 'Elstar', harvests: 3, grams: 18_500 },
    { variety: 'Quince', harvests: 2, grams: 3_000 },
  ],
  // 12 + 5 + 10 kg on the first, 6 + 9 kg on the third; the second stayed below 20 degrees.
  'warm-days': [
    { day: '2024-09-01T00:00:00Z', warmest: 22.5, grams: 27_000 },
    { day: '2024-09-03T00:00:00Z', warmest: 20, grams: 15_000 },
  ],
}

const tables = Object.fromEntries(
  Object.entries({ harvest, weather }).flatMap(([dataset, { rows, quarantined }]) =>
    ['stream', 'batch'].flatMap((path) => [
      [
        `${path}.${dataset}`,
        { path: expect.stringContaining(`tables/${path}/${dataset}`), version: expect.any(Number), rows },
      ],
      [
        `quarantine.${path}.${dataset}`,
        {
          path: expect.stringContaining(`tables/quarantine/${path}/${dataset}`),
          version: expect.any(Number),
          rows: quarantined,
        },
      ],
    ]),
  ),
)

test('a pipeline of another kind runs the same path, by its folder alone', async () => {
  const args = ['demo', '--pipeline', folder, '--posts', '60', '--data', data, '--json']
  const { code, stdout } = await pinflow(args)
  const report = JSON.parse(stdout)
  expect(report).toEqual({
    account,
    answers,
    kept: { run: 1 },
    verify: { ok: true, checks: expect.any(Array) },
    sourceErrors: 0,
    tables,
    seconds: expect.objectContaining({ total: expect.any(Number) }),
  })
  expect(report.verify.checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([])
  expect(code).toBe(0)
})

test('keys of two columns, bad rows and rows without a key are what the tables hold', async () => {
  const ask = (sql: string) =>
    pinflowJson<{ rows: unknown[] }>(['sql', sql, '--pipeline', folder, '--data', data])
  const keys = await ask('SELECT tree, count(*) AS days FROM demo_harvest GROUP BY tree ORDER BY tree')
  expect(keys.rows).toEqual([
    { tree: 'T1', days: 2 },
    { tree: 'T2', days: 3 },
    { tree: 'T3', days: 2 },
    { tree: 'T4', days: 2 },
  ])
  const bad = await ask(
    `SELECT 'harvest' AS dataset, path, reason, count(*) AS n FROM quarantine.harvest GROUP BY ALL
     UNION ALL SELECT 'weather', path, reason, count(*) FROM quarantine.weather GROUP BY ALL ORDER BY ALL`,
  )
  expect(bad.rows).toEqual(
    [
      { dataset: 'harvest', reason: 'DUPLICATE_KEY_DIFFERS' },
      { dataset: 'harvest', reason: 'VALUE_INVALID weight' },
      { dataset: 'weather', reason: 'NOT_AN_OBJECT' },
    ]
      .flatMap((row) => ['batch', 'stream'].map((path) => ({ ...row, path, n: 5 })))
      .sort((a, b) => (`${a.dataset} ${a.path} ${a.reason}` < `${b.dataset} ${b.path} ${b.reason}` ? -1 : 1)),
  )
  const repeated = await ask(
    "SELECT count(*) AS n FROM stream.weather WHERE station = 'north' AND measured = '2024-09-02 06:00:00+00'",
  )
  expect(repeated.rows).toEqual([{ n: 10 }])
})
