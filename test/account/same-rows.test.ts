import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sameRows } from '../../src/account/account.ts'
import { Engine } from '../../src/engine/index.ts'

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open({ memoryBytes: 2 ** 27, threads: 1, temporaryFolder: tmpdir() })
})
afterAll(() => engine.close())

const rows = (...values: string[]): string => `(VALUES ${values.join(', ')}) AS rows(id, n)`

function compare(stream: string, batch: string): Promise<string[]> {
  return engine.with((session) => sameRows(session, [stream, batch], 'data'))
}

test('the same rows in another order are the same, nulls and copies too', async () => {
  const rowsOf = ["('a', 1)", "('a', 1)", '(NULL, NULL)', "('b', NULL)"]
  expect(await compare(rows(...rowsOf), rows(...rowsOf.toReversed()))).toEqual([])
})

test('no rows are the same as no rows', async () => {
  const none = `(SELECT * FROM ${rows("('a', 1)")} WHERE false)`
  expect(await compare(none, none)).toEqual([])
  expect(await compare(none, rows("('a', 1)"))).toEqual(['data: 0 rows only in stream, 1 only in batch'])
})

test.each([
  ['another value', ["('a', 1)", "('b', 2)"], ["('a', 1)", "('b', 3)"], [1, 1]],
  ['a null for a value', ["('a', 1)"], ["('a', NULL)"], [1, 1]],
  ['a copy more', ["('a', 1)", "('a', 1)", "('b', 2)"], ["('a', 1)", "('b', 2)"], [1, 0]],
  ['two copies less, of as many rows', ["('a', 1)"], ["('a', 1)", "('a', 1)", "('a', 1)"], [0, 2]],
  ['a row less and another more', ["('a', 1)", "('b', 2)"], ["('a', 1)", "('c', 2)"], [1, 1]],
])('%s is told', async (_, stream, batch, [left, right]) => {
  expect(await compare(rows(...stream), rows(...batch))).toEqual([
    `data: ${left} rows only in stream, ${right} only in batch`,
  ])
})

test('a quarantine is compared without what only the log can tell', async () => {
  const record = (reason: string, key: string, time: number): string =>
    `(SELECT 7 AS epoch, '${reason}' AS reason, '${key}' AS key, NULL AS headers, ${time} AS timestamp, ${time} AS append_time)`
  const compareBad = (stream: string, batch: string) =>
    engine.with((session) => sameRows(session, [stream, batch], 'quarantine'))
  expect(await compareBad(record('x', 'k', 1), record('x', '', 2))).toEqual([])
  expect(await compareBad(record('x', 'k', 1), record('y', 'k', 1))).toHaveLength(1)
})
