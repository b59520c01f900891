import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { PipelineError } from '../../src/core/index.ts'
import { createGateway } from '../../src/gateway/index.ts'
import { call, failing, jsonType, openGateway, post, raw, withAppend } from './harness.ts'

const record = { records: [{ value: { a: 1 } }] }

test('an unknown route is a 404 and a wrong method a 405 with Allow, as Kafka REST has them', async () => {
  const { url } = await openGateway()
  const unknown = await call(`${url}/nowhere`)
  expect([unknown.status, unknown.json]).toEqual([404, { error_code: 404, message: 'HTTP 404 Not Found' }])
  const method = await call(`${url}/topics`, { method: 'DELETE' })
  expect([method.status, method.json]).toEqual([
    405,
    { error_code: 405, message: 'HTTP 405 Method Not Allowed' },
  ])
  expect(method.headers.get('allow')).toBe('GET')
  const stream = await call(`${url}/streams/s/record`, { method: 'POST' })
  expect([stream.status, stream.json]).toEqual([405, { message: 'HTTP 405 Method Not Allowed' }])
})

test('a stage and a trailing slash change nothing', async () => {
  const { url, values } = await openGateway({ options: { stages: ['dev', 'live'] } })
  for (const path of ['/topics/t', '/dev/topics/t', '/live/topics/t/', '/topics/t/']) {
    expect((await post(url + path, record, jsonType)).status).toBe(200)
  }
  expect(values('t')).toHaveLength(4)
  expect((await call(`${url}/dev/`)).json).toEqual({})
  expect((await post(`${url}/test/topics/t`, record, jsonType)).status).toBe(404)
})

test('a path that is no valid escape is a 400', async () => {
  const { url } = await openGateway()
  const answer = await call(`${url}/topics/%zz`)
  expect([answer.status, answer.json.error_code]).toEqual([400, 400])
})

test('a name that was rebound to loopback is not served', async () => {
  const { port } = await openGateway()
  const answer = await raw(port, 'GET /topics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1.1 421 /)
})

test('a body over the limit is a 413 in each protocol, its length declared or not, and appends nothing', async () => {
  const { url, log } = await openGateway({ options: { bodyBytesMax: 1000 } })
  const body = JSON.stringify({ records: [{ value: 'x'.repeat(1500) }] })
  const kafka = await post(`${url}/topics/t`, body, jsonType)
  expect([kafka.status, kafka.json.error_code]).toEqual([413, 413])
  const chunked = await call(`${url}/topics/t`, {
    method: 'POST',
    headers: { 'content-type': jsonType },
    body: new Blob([body]).stream(),
    duplex: 'half',
  } as RequestInit)
  expect([chunked.status, chunked.json.error_code]).toEqual([413, 413])
  const gateway = await call(`${url}/streams/s/record`, { method: 'PUT', body })
  expect([gateway.status, Object.keys(gateway.json)]).toEqual([413, ['message']])
  const kinesis = await post(url, body, 'application/x-amz-json-1.1')
  expect([kinesis.status, kinesis.json.__type]).toEqual([413, 'RequestEntityTooLargeException'])
  expect(log.topics()).toEqual([])
})

test('a body of the largest size is refused in a way that its client can read', async () => {
  const { url } = await openGateway()
  const answer = await post(`${url}/topics/t`, Buffer.alloc(17 * 2 ** 20, 'x'), jsonType)
  expect(answer.status).toBe(413)
})

test('bytes under way are capped with 503 and Retry-After, and given back', async () => {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { url, values } = await openGateway({
    options: { bodyBytesMax: 1000, inFlightBytesMax: 1000 },
    wrap: (log) =>
      withAppend(log, async (given, real) => {
        await held
        return real.append(given)
      }),
  })
  const large = { records: [{ value: 'x'.repeat(700) }] }
  const first = post(`${url}/topics/t`, large, jsonType)
  await sleep(50)
  const second = await post(`${url}/topics/t`, large, jsonType)
  expect([second.status, second.json.error_code, second.headers.get('retry-after')]).toEqual([
    503,
    50301,
    '1',
  ])
  release()
  expect((await first).status).toBe(200)
  expect((await post(`${url}/topics/t`, large, jsonType)).status).toBe(200)
  expect(values('t')).toHaveLength(2)
})

test('a log that does not take records is a 503 with Retry-After that names no path', async () => {
  for (const code of ['LOG_FULL', 'LOG_FAILED', 'STORE_FULL', 'STORE_FAILED'] as const) {
    const { url } = await openGateway({ wrap: failing(code) })
    const answer = await post(`${url}/topics/t`, record, jsonType)
    expect([answer.status, answer.json.error_code]).toEqual([503, 50302])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.text).not.toContain('secret')
  }
})

test('an unforeseen error is a 500 that tells nothing, and is logged', async () => {
  const { url, logged } = await openGateway({
    wrap: (log) =>
      withAppend(log, async () => {
        throw new Error('secret')
      }),
  })
  const answer = await post(`${url}/topics/t`, record, jsonType)
  expect([answer.status, answer.json]).toEqual([500, { error_code: 500, message: 'Internal Server Error' }])
  expect(logged).toHaveLength(1)
})

test('closing answers what is under way, refuses what comes, and ends', async () => {
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { url, gateway } = await openGateway({
    wrap: (log) =>
      withAppend(log, async (given, real) => {
        await held
        return real.append(given)
      }),
  })
  const first = post(`${url}/topics/t`, record, jsonType)
  await sleep(50)
  const closed = gateway.close()
  const late = await post(`${url}/topics/t`, record, jsonType)
  expect([late.status, late.json.error_code, late.headers.get('connection')]).toEqual([503, 50302, 'close'])
  const lateStream = await call(`${url}/streams`)
  expect([lateStream.status, Object.keys(lateStream.json)]).toEqual([503, ['message']])
  release()
  const answered = await first
  expect([answered.status, answered.json.offsets[0].offset]).toEqual([200, 0])
  await closed
  await expect(fetch(url)).rejects.toThrow()
})

test('a port in use is PORT_IN_USE', async () => {
  const { port, log } = await openGateway()
  const second = createGateway({ log, options: { port } })
  await expect(second.listen()).rejects.toMatchObject({
    code: 'PORT_IN_USE',
  } satisfies Partial<PipelineError>)
})

test('closing twice, or before listening, is nothing', async () => {
  const { gateway, log } = await openGateway()
  await gateway.close()
  await gateway.close()
  await createGateway({ log }).close()
})

test('a client that goes away in the middle of its body appends nothing and harms nobody', async () => {
  const { port, url, log, logged } = await openGateway()
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    `POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${jsonType}\r\nContent-Length: 500\r\n\r\n{"records":[`,
  )
  await sleep(50)
  socket.destroy()
  await sleep(50)
  expect(log.topics()).toEqual([])
  expect(logged).toEqual([])
  expect((await call(url)).json).toEqual({})
})

const head = `POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${jsonType}\r\n`
const body = JSON.stringify(record)
test.each([
  ['two lengths', `${head}Content-Length: ${body.length}\r\nContent-Length: 5\r\n\r\n${body}`],
  ['a length beside chunks', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['chunked twice', `${head}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
  ['another coding', `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ['a broken chunk size', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`],
  ['a negative length', `${head}Content-Length: -5\r\n\r\n${body}`],
  ['a blank before a colon', `${head}Content-Length : ${body.length}\r\n\r\n${body}`],
  ['bare line feeds', `${head.replaceAll('\r\n', '\n')}Content-Length: ${body.length}\n\n${body}`],
  ['no host', `POST /topics/t HTTP/1.1\r\nContent-Length: 0\r\n\r\n`],
  ['no HTTP', 'hello\r\n\r\n'],
  ['a header of 100 kB', `${head}X-Large: ${'x'.repeat(100_000)}\r\n\r\n`],
])('a message with %s is refused, its connection closed, and nothing appended', async (_what, message) => {
  const { port, url, log } = await openGateway()
  expect(await raw(port, message)).toMatch(/^HTTP\/1.1 (400|431) [\s\S]*$/)
  expect(log.topics()).toEqual([])
  expect((await call(url)).status).toBe(200)
})

test('what follows a message in one packet is a message of its own', async () => {
  const { port, values } = await openGateway()
  const first = `${head}Content-Length: ${body.length}\r\n\r\n${body}`
  const answer = await raw(port, first + first.replace('HTTP/1.1\r\n', 'HTTP/1.1\r\nConnection: close\r\n'))
  expect(answer.match(/HTTP\/1.1 200/g)).toHaveLength(2)
  expect(values('t')).toHaveLength(2)
})
