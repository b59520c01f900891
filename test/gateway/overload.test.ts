/** What a gateway does where there is no room: for bytes, for connections. */
import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { BytesInFlight, readBody } from '../../src/gateway/body.ts'
import { call, jsonType, openGateway, post, withAppend } from './harness.ts'

const record = { records: [{ value: { a: 1 } }] }

/** A request as far as bytes in flight know one. */
const request = () =>
  Object.assign(new EventEmitter(), { socket: { destroyed: false } }) as never as IncomingMessage

test('a body that is refused for want of room is let go of at once, not once it has come', () => {
  const inFlight = new BytesInFlight(100)
  const [one, other, third] = [request(), request(), request()]
  inFlight.hold(one, 60)
  inFlight.hold(other, 30)
  expect(() => inFlight.hold(other, 30)).toThrow(/90 bytes/)
  inFlight.hold(third, 40)
})

test('a client that went away holds nothing, whatever is still done for it', () => {
  const inFlight = new BytesInFlight(100)
  const gone = request()
  Object.assign(gone.socket, { destroyed: true })
  inFlight.hold(gone, 100)
  inFlight.hold(request(), 60)
  inFlight.hold(request(), 40)
})

test('a slow body gives way to others where there is no room; a quick one and a whole one do not', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const inFlight = new BytesInFlight(100)
  const message = Object.assign(new Readable({ read() {} }), { headers: {}, socket: { destroyed: false } })
  const slow = message as never as IncomingMessage
  const body = readBody(slow, 1_000, (bytes, drop) => inFlight.hold(slow, bytes, drop))
  const refused = expect(body).rejects.toMatchObject({ code: 'OVERLOADED' })
  message.push(Buffer.alloc(40))
  const whole = request()
  inFlight.hold(whole, 30, () => expect.unreachable())
  inFlight.whole(whole)
  await vi.waitFor(() => expect(() => inFlight.hold(request(), 80)).toThrow(/70 bytes/))
  vi.advanceTimersByTime(6_000)
  const quick = request()
  inFlight.hold(quick, 60, () => expect.unreachable())
  expect(() => inFlight.hold(request(), 20)).toThrow(/90 bytes/)
  message.push(Buffer.alloc(1))
  message.push(null)
  await refused
})

test('a whole body that waits for the log holds its bytes, however long', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let appending = 0
  const { url } = await openGateway({
    options: { bodyBytesMax: 1000, inFlightBytesMax: 1000 },
    wrap: (log) =>
      withAppend(log, async (given, real) => {
        appending++
        await held
        return real.append(given)
      }),
  })
  const headers = { 'content-type': 'application/json' }
  expect((await call(`${url}/streams/s`, { method: 'POST' })).status).toBe(200)
  const body = JSON.stringify({ records: [{ data: 'x'.repeat(700), 'partition-key': 'k' }] })
  const put = () => call(`${url}/streams/s/records`, { method: 'PUT', headers, body })
  const first = put()
  await vi.waitFor(() => expect(appending).toBe(1), 20_000)
  vi.advanceTimersByTime(60_000)
  expect((await put()).status).toBe(503)
  release()
  expect((await first).status).toBe(200)
})

test('beyond the connections that there may be requests are a 503 with Retry-After, and those before are served', async () => {
  const { url, port, values } = await openGateway({ options: { connectionsMax: 1 } })
  const first = connect(port, '127.0.0.1')
  onTestFinished(() => void first.destroy())
  const body = JSON.stringify(record)
  const message = `POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${jsonType}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  expect(await exchange(first, message)).toMatch(/^HTTP\/1.1 200 /)
  const late = await post(`${url}/topics/t`, record, jsonType)
  expect([late.status, late.json.error_code, late.headers.get('connection')]).toEqual([503, 50301, 'close'])
  expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await exchange(first, message)).toMatch(/^HTTP\/1.1 200 /)
  expect(values('t')).toHaveLength(2)
})

function exchange(socket: Socket, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    socket.once('error', reject)
    socket.write(message)
  })
}
