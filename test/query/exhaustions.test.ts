/** No text takes the platform with it: not its memory, not its time, not its life. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exhaustions } from './corpus/exhaustions.ts'
import { anonymousBytes, Server } from './server.ts'

const timeoutMs = 1_500
/** What is promised. */
const endsWithinMs = timeoutMs + 1_000
/** A machine whose cores are all taken answers later: this is no promise of the platform's. */
const busyMs = 1_000
const mayGrowBytes = 20_000_000

let server: Server
let before: number

beforeAll(async () => {
  server = await Server.start({
    PINFLOW_QUERY_TIMEOUT_MS: String(timeoutMs),
    PINFLOW_QUERY_ROWS_MAX: '5000',
    PINFLOW_QUERY_BYTES_MAX: '1000000',
  })
  await server.warm()
  before = server.anonymousBytes
})
afterAll(() => server.stop())

async function expectNormal(): Promise<void> {
  const { rows, text } = await server.ask('SELECT count(*) AS n FROM batch.geo')
  expect(rows, text).toEqual([{ n: 3 }])
}

/** Memory that the collector has not come round to yet is given a moment. */
async function expectSameMemory(): Promise<void> {
  for (let look = 0; look < 30 && server.anonymousBytes > before + mayGrowBytes; look++) await sleep(100)
  expect(server.anonymousBytes - before).toBeLessThanOrEqual(mayGrowBytes)
}

test('there are at least 40 of them, all different', () => {
  expect(new Set(exhaustions.map(({ sql }) => sql)).size).toBe(exhaustions.length)
  expect(exhaustions.length).toBeGreaterThanOrEqual(40)
})

test.each(exhaustions)('$name', async ({ sql, ends }) => {
  const { pid } = server
  const { error, text, ms } = await server.ask(sql)
  const children = server.children()
  expect(ends, text.slice(-500)).toContain(error?.code ?? 'answer')
  if (error) expect(error.message.length).toBeGreaterThan(10)
  expect(ms).toBeLessThan(endsWithinMs + busyMs)
  expect(server.alive && server.pid).toBe(pid)
  for (const child of children) expect(anonymousBytesOr0(child)).toBeLessThan(600 * 2 ** 20)
  await expectNormal()
  await expectSameMemory()
})

test.each([
  ['SELECT * FROM range(6000)', 'the answer has more than 5000 rows (query.rowsMax)'],
  [
    "SELECT repeat('x', 10000) AS s FROM range(200)",
    'the answer has more than 1000000 bytes (query.bytesMax) in 100 rows',
  ],
  ["SELECT repeat('x', 17000000) AS s", 'row 1 of the answer has 17000009 bytes; a row may have 16777216'],
  [`SELECT ${'1,'.repeat(60_000)}1`, 'the text has 120008 bytes; 100000 are allowed'],
])('the limit that a text meets is named: %s', async (sql, message) => {
  const { error, text } = await server.ask(sql)
  expect(error?.message, text.slice(-500)).toBe(message)
})

function anonymousBytesOr0(pid: number): number {
  try {
    return anonymousBytes(pid)
  } catch {
    return 0
  }
}
