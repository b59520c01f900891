import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, runOperation, serveApi } from '../../src/api/index.ts'
import { loadConfig } from '../../src/core/index.ts'
import { loadPipeline } from '../../src/pipeline/index.ts'
import { Platform, runSql } from '../../src/platform/index.ts'

const folder = join(import.meta.dirname, '../../pipelines/pinterest')
const token = 'a token for the tests'
const logger = pino({ level: 'silent' })

let data: string
let platform: Platform
let api: Api

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'pinflow-api-'))
  const { config } = await loadConfig({ environment: {}, flags: { data }, folder: data })
  const pipeline = await loadPipeline(folder, { id: 'demo' })
  platform = await Platform.open({ config, pipeline, logger })
  platform.start()
  api = await serveApi(platform, { host: '127.0.0.1', port: 0, token, logger })
})

afterAll(async () => {
  await api.close()
  await platform.close()
  await rm(data, { recursive: true })
})

interface Sent {
  body?: string
  headers?: Record<string, string>
}

async function post(path: string, { body = '{}', headers = {} }: Sent = {}, { url } = api) {
  const sent = request(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
  })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
  let text = ''
  for await (const piece of response) text += piece
  return {
    status: response.statusCode,
    text,
    lines: text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  }
}

const ask = async (sql: string) => {
  const { lines } = await post('/api/sql', { body: JSON.stringify({ sql, from: 'batch' }) })
  const rows = lines.flatMap(({ item }) => item?.rows ?? [])
  return { ...lines.at(-1), rows }
}

test('what is no request of the API is refused with a code and a message', async () => {
  const refused: [number, Sent, string?][] = [
    [401, { headers: { authorization: '' } }],
    [401, { headers: { authorization: 'Bearer another' } }],
    [400, { body: '{' }],
    [413, { body: JSON.stringify({ sql: 'x'.repeat(2 ** 21), from: 'batch' }) }],
    [415, { headers: { 'content-type': 'text/csv' } }],
    [404, {}, '/api/__proto__'],
    [404, {}, '/api/toString'],
    [421, { headers: { host: 'evil.example' } }],
  ]
  for (const [status, sent, path = '/api/sql'] of refused) {
    const answer = await post(path, sent)
    expect(answer.status, JSON.stringify(sent.headers)).toBe(status)
    expect(answer.lines[0].error).toEqual({ code: 'REQUEST_INVALID', message: expect.any(String) })
  }
})

test.each([
  ['sql', { sql: 'SELECT 1', from: 'batch', extra: 1 }, 'sql.extra: there is no such parameter'],
  ['sql', { sql: 'SELECT 1', from: 'there' }, 'sql.from: .*"stream" \\| "batch".* "there"'],
  ['sql', { sql: 'SELECT 1' }, 'sql.from: .*undefined'],
  ['history', { table: 'stream.user', limit: 0 }, 'history.limit: .*>=1.* 0'],
  ['history', { table: 'stream.user', limit: 1.5 }, 'history.limit: .*integer.* 1.5'],
  ['status', 5, 'status: .* 5'],
])('%s does not take %j', async (operation, parameters, message) => {
  const { status, lines } = await post(`/api/${operation}`, { body: JSON.stringify(parameters) })
  expect(status).toBe(200)
  expect(lines).toEqual([
    { error: { code: 'REQUEST_INVALID', message: expect.stringMatching(`^${message}$`) } },
  ])
})

test('an answer keeps columns of one name apart, and numbers that JSON has not as text', async () => {
  const { result, rows } = await ask(
    `SELECT 1 AS a, 2 AS a, 'NaN'::DOUBLE AS n, ['-inf'::FLOAT] AS l, 1.50::DECIMAL(4, 2) AS d,
       12345678901234567890.12::DECIMAL(38, 2) AS e`,
  )
  expect(rows).toEqual([{ a: 1, 'a:1': 2, n: 'NaN', l: ['-Infinity'], d: 1.5, e: '12345678901234567890.12' }])
  expect(result.columns.map(({ name }: { name: string }) => name)).toEqual(['a', 'a:1', 'n', 'l', 'd', 'e'])
})

test('a line of an answer is one line for every reader, whatever a value holds', async () => {
  const sql = "SELECT 'a' || chr(8232) || 'b' || chr(8233) || 'c' AS s"
  const { text } = await post('/api/sql', { body: JSON.stringify({ sql, from: 'batch' }) })
  expect(text).not.toMatch(/[\u2028\u2029]/)
  expect((await ask(sql)).rows).toEqual([{ s: 'a\u2028b\u2029c' }])
})

const endless = 'SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = -1'

test('an API that closes ends what is under way before it is closed', async () => {
  const another = await serveApi(platform, { host: '127.0.0.1', port: 0, token, logger })
  const asked = post('/api/sql', { body: JSON.stringify({ sql: endless, from: 'batch' }) }, another)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await another.close()
  expect((await asked).lines[0].error.code).toBe('STOPPING')
})

test('records are read no faster than they are taken off', async () => {
  const records = Array.from({ length: 100 }, () => ({ key: null, value: Buffer.from('{}') }))
  await platform.log.append({ topic: 'demo.user', partition: 0, records })
  let given = 0
  let next: () => void = () => undefined
  const emit = () => {
    given++
    return new Promise<void>((resolve) => {
      next = resolve
    })
  }
  const ending = new AbortController()
  const context = { platform, signal: ending.signal, emit }
  const parameters = { topic: 'demo.user', fromBeginning: true, follow: false }
  const consumed = runOperation('consume', context, parameters)
  await new Promise((resolve) => setImmediate(resolve))
  expect(given).toBe(1)
  ending.abort()
  next()
  expect(await consumed).toEqual({ records: 1 })
})

test('an answer nobody waits for is not worked out any further', async () => {
  const ending = new AbortController()
  setTimeout(() => ending.abort(), 300)
  await expect(runSql(platform, endless, 'batch', { signal: ending.signal })).rejects.toMatchObject({
    code: 'STOPPING',
  })
})

test('a reading that the platform breaks off does not pass for the whole', async () => {
  const records = Array.from({ length: 2_000 }, () => ({ key: null, value: Buffer.alloc(10_000, 0x20) }))
  await platform.log.append({ topic: 'demo.user', partition: 0, records })
  const another = await serveApi(platform, { host: '127.0.0.1', port: 0, token, logger })
  const body = JSON.stringify({ topic: 'demo.user', fromBeginning: true, follow: true })
  const asked = post('/api/consume', { body }, another)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await another.close()
  expect((await asked).lines.at(-1).error).toMatchObject({ code: 'STOPPING' })
})

test('settling waits for what is in the log by then, not for what goes on coming', async () => {
  const value = Buffer.from('{"ind":1,"country":"Malta"}')
  let coming = true
  let appended = 0
  const append = async () => {
    appended++
    await platform.log.append({ topic: 'demo.geo', partition: 0, records: [{ key: null, value }] })
  }
  await append()
  const sender = (async () => {
    while (coming) {
      await append()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  })()
  try {
    await platform.settle()
  } finally {
    coming = false
    await sender
  }
  const { rows } = await runSql(platform, 'SELECT count(*) AS n FROM geo', 'stream')
  expect(appended).toBeGreaterThan(1)
  expect(rows).toEqual([{ n: 1 }])
})

test('a mistake of the program is INTERNAL, never a failure of the store', async () => {
  const { log } = platform
  const topics = log.topics
  log.topics = () => {
    throw new TypeError('planted')
  }
  try {
    const response = await fetch(`${api.url}/api/topics`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    })
    expect(JSON.parse(await response.text())).toEqual({ error: { code: 'INTERNAL', message: 'planted' } })
  } finally {
    log.topics = topics
  }
})
