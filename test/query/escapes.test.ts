/** No text gets out of a query: nothing is read that it may not read, nothing is written, nothing stays. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answered, escapes } from './corpus/escapes.ts'
import { Server, secret } from './server.ts'

let server: Server
let files: string[]
let anonymousBytes: number
const normal =
  "SELECT country, now()::VARCHAR LIKE '2%' AS now, (SELECT count(*) FROM geo) AS n FROM batch.geo ORDER BY ind"
const normalRows = ['Malta', 'Peru', 'Chad'].map((country) => ({ country, now: true, n: 3 }))

beforeAll(async () => {
  server = await Server.start({ PINFLOW_QUERY_TIMEOUT_MS: '3000' })
  for (let warm = 0; warm < 10; warm++) expect((await server.ask(normal)).rows).toEqual(normalRows)
  await server.warm()
  files = await server.files()
  anonymousBytes = server.anonymousBytes
})
afterAll(() => server.stop())

test('there are at least 150 of them, all different', () => {
  const all = Object.values(escapes).flat()
  expect(new Set(all).size).toBe(all.length)
  expect(all.length).toBeGreaterThanOrEqual(150)
})

describe.each(Object.entries(escapes))('%s', (_, texts) => {
  test.each(texts)('%s', async (template) => {
    const { pid } = server
    const { error, rows, text } = await server.ask(server.filled(template))
    expect(text).not.toContain(secret)
    expect(rows).toEqual([])
    expect(error?.code, text).toBe('QUERY_INVALID')
    expect(error?.message).toMatch(
      /^(there is no table|the (table )?function \w+ is not allowed|only a single SELECT|syntax error|SHOW \w+ is not allowed|Binder Error|Catalog Error|A CTE needs a SELECT|SELECT INTO not supported)/,
    )
    expect(server.alive && server.pid).toBe(pid)
    expect(await server.files()).toEqual(files)
    const next = await server.ask(normal)
    expect(next.rows, next.text).toEqual(normalRows)
  })
})

test.each(answered)('is answered: %s', async (sql) => {
  const { error, text } = await server.ask(sql)
  expect(error, text).toBeUndefined()
})

test('what is refused is named with its line and its place', async () => {
  const { error } = await server.ask("SELECT 1,\n  'é', (SELECT content\n\tFROM read_text('/etc/passwd'))")
  const [message, , line, caret] = error?.message.split('\n') ?? []
  expect(message).toMatch(/^the table function read_text is not allowed/)
  expect(line).toBe("LINE 3: \tFROM read_text('/etc/passwd'))")
  expect(caret).toBe('        \t     ^')
})

test('the memory of the platform has hardly moved', () => {
  expect(server.anonymousBytes - anonymousBytes).toBeLessThanOrEqual(20_000_000)
})
