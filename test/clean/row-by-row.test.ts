import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CleanedGroup, DuckDbCleaner } from '../../src/clean/duckdb/cleaner.ts'
import { preparedLine } from '../../src/clean/prepare.ts'
import { Engine } from '../../src/engine/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { thing } from '../model/things.ts'

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-row-by-row-'))
  engine = await Engine.open({ memoryBytes: 2 ** 27, threads: 1, temporaryFolder: folder })
  const lines = ['a', 'b', 'c'].map((id, place) =>
    preparedLine(place, [`"${id}"`, id === 'b' ? '"no number"' : '1', '"t"']),
  )
  await writeFile(join(folder, 'lines'), lines.join(''))
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true })
})

/** Places of bad records, once three are cleaned by a text, unchecked; the second is of another type. */
async function clean(sql: string): Promise<number[]> {
  const { schema } = await DuckDbCleaner.open(engine, thing)
  const dataset: Dataset = { ...thing, sql }
  return engine.with(async (session) => {
    const group = new CleanedGroup(session, dataset, schema, false)
    await group.load(join(folder, 'lines'), 100)
    await group.run()
    return [...group.bad.keys()]
  })
}

const row = 'SELECT _record, id, n, t FROM raw_thing'

test('a row for each record that converts is what is asked for', async () => {
  expect(await clean(row)).toEqual([1])
})

test.each([
  ['loses a record', `${row} WHERE id <> 'a'`, '1 rows for 1 of 2'],
  ['repeats a record', `${row} UNION ALL ${row} WHERE id = 'a'`, '3 rows for 2 of 2'],
  ['returns one record for another', `SELECT 0 AS _record, id, n, t FROM raw_thing`, '2 rows for 1 of 2'],
  ['makes a record up', `SELECT _record + 5 AS _record, id, n, t FROM raw_thing`, '2 rows for 0 of 2'],
  [
    'gives a row to a record of another type',
    `SELECT CASE WHEN id = 'c' THEN 1 ELSE 0 END AS _record, id, n, t FROM raw_thing`,
    '2 rows for 1 of 2',
  ],
])('a text that %s is refused', async (_, sql, found) => {
  await expect(clean(sql)).rejects.toMatchObject({
    code: 'CLEAN_SQL_FAILED',
    message: expect.stringContaining(`not row by row: it returned ${found} records`),
  })
})
