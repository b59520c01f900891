import { afterEach, describe, expect, test } from 'vitest'
import { emulate, type Post } from '../../src/emulate/index.ts'
import { dataset, type FrontDoors, type Inject, openFrontDoors, pipelineOf } from './front-doors.ts'

const pipeline = pipelineOf(dataset('pin'))
let doors: FrontDoors | undefined

afterEach(async () => {
  await doors?.close()
  doors = undefined
})

async function* posts(count: number): AsyncGenerator<Post> {
  for (let post = 0; post < count; post++)
    yield { post, records: [{ dataset: 'pin', json: `{"ind":${post}}` }] }
}

type Options = Partial<Parameters<typeof emulate>[0]> & { inject: Inject; count?: number }

async function run({ inject, count = 1, ...options }: Options) {
  doors = await openFrontDoors({ inject })
  const { url: gatewayUrl, received } = doors
  const account = await emulate({ pipeline, via: 'both', gatewayUrl, source: posts(count), ...options })
  return { account, received, ...account.datasets.pin! }
}

/** Answers the first `times` requests in its own way. */
function first(times: number, answer: (response: Parameters<Inject>[0]) => unknown): Inject {
  return (response, _, number) => {
    if (number >= times) return false
    answer(response)
    return true
  }
}

const status = (code: number, body = '', headers: Record<string, string> = {}) => {
  return (response: Parameters<Inject>[0]): boolean => response.writeHead(code, headers).end(body).headersSent
}

const kafkaEntry = (code: number) =>
  status(
    200,
    JSON.stringify({ offsets: [{ partition: null, offset: null, error_code: code, error: 'no leader' }] }),
  )

describe('a record is sent again, and counted once, after', () => {
  test.each<[what: string, inject: Inject]>([
    ['429', first(2, status(429))],
    ['500 and 503', (response, _, number) => number < 2 && status(number === 0 ? 500 : 503)(response)],
    ['a connection that is reset', first(2, (response) => response.destroy())],
    [
      'an answer that breaks off',
      first(2, (response) => {
        response.writeHead(200, { 'content-length': 1000 }).write('{')
        setImmediate(() => response.destroy())
      }),
    ],
    ['a passing error of the record alone', first(2, kafkaEntry(50003))],
  ])('%s', async (_, inject) => {
    const { account, received, sent, acknowledged, failed } = await run({ inject })
    expect({ sent, acknowledged, failed }).toEqual({ sent: 1, acknowledged: 1, failed: 0 })
    expect(account.retries).toBe(2)
    expect(account.refused).toEqual([])
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    expect(received).toHaveLength(3)
  })

  test.each([200, 400])('a throttled Kinesis that answers %i', async (code) => {
    const body = JSON.stringify({ __type: 'ProvisionedThroughputExceededException', message: 'slow down' })
    const { account, acknowledged } = await run({ inject: first(2, status(code, body)), via: 'api-gateway' })
    expect(acknowledged).toBe(1)
    expect(account.retries).toBe(2)
  })

  test('a door that was not open yet', async () => {
    const before = await openFrontDoors()
    await before.close()
    const port = Number(new URL(before.url).port)
    const running = emulate({ pipeline, via: 'both', gatewayUrl: before.url, source: posts(5) })
    await new Promise((resolve) => setTimeout(resolve, 150))
    doors = await openFrontDoors({ port })
    const account = await running
    expect(account.datasets.pin).toEqual({ sent: 5, acknowledged: 5, failed: 0 })
    expect(account.retries).toBeGreaterThanOrEqual(5)
  })
})

describe('Retry-After', () => {
  test.each([
    ['in seconds', () => '1'],
    ['as a date', () => new Date(Date.now() + 1999).toUTCString()],
  ])('%s is waited for', async (_, header) => {
    const { received, acknowledged } = await run({
      inject: first(1, (response) => status(503, '', { 'retry-after': header() })(response)),
    })
    expect(acknowledged).toBe(1)
    expect(received[1]!.atMs - received[0]!.atMs).toBeGreaterThan(900)
  })

  test('beyond the time for trying gives the record up at once', async () => {
    const { account, failed } = await run({
      inject: first(9, status(503, 'full', { 'retry-after': '3600' })),
    })
    expect(failed).toBe(1)
    expect(account.retries).toBe(0)
    expect(account.refused).toMatchObject([{ status: 503, message: 'full' }])
  })
})

describe('a record is given up', () => {
  test('when the time for trying is over, with what the door said last', async () => {
    const { account, sent, acknowledged, failed } = await run({
      inject: (response, _, number) => status(503, `try ${number}`)(response),
      retryForMs: 400,
    })
    expect({ sent, acknowledged, failed }).toEqual({ sent: 1, acknowledged: 0, failed: 1 })
    expect(account.retries).toBeGreaterThanOrEqual(2)
    expect(account.refused).toEqual([
      {
        code: 'DOOR_REFUSED',
        dataset: 'pin',
        post: 0,
        door: 'kafka-rest',
        status: 503,
        message: `try ${account.retries}`,
      },
    ])
  })

  test('without another try when none is allowed', async () => {
    const { account, failed } = await run({ inject: first(9, status(503)), retryForMs: 0 })
    expect([failed, account.retries]).toEqual([1, 0])
  })

  test.each<
    [what: string, via: 'kafka-rest' | 'api-gateway', answer: ReturnType<typeof status>, message: string]
  >([
    [
      '400',
      'kafka-rest',
      status(400, '{"error_code":400,"message":"bad"}'),
      '{"error_code":400,"message":"bad"}',
    ],
    ['a redirection', 'kafka-rest', status(302, 'elsewhere'), 'elsewhere'],
    ['a record error that stays', 'kafka-rest', kafkaEntry(40301), 'error_code 40301: no leader'],
    ['200 without an offset', 'kafka-rest', status(200, '{}'), 'the answer names no offset: {}'],
    ['200 that is no JSON', 'kafka-rest', status(200, '<html>'), 'the answer names no offset: <html>'],
    [
      '200 for an error',
      'api-gateway',
      status(200, '{"__type":"ResourceNotFoundException"}'),
      'the answer names no sequence number: {"__type":"ResourceNotFoundException"}',
    ],
    ['413', 'api-gateway', status(413, 'x'.repeat(2000)), 'x'.repeat(500)],
  ])('at once after %s', async (_, via, answer, message) => {
    const { account, failed } = await run({ inject: first(9, answer), via })
    expect([failed, account.retries]).toEqual([1, 0])
    expect(account.refused.map((one) => one.message)).toEqual([message])
  })

  test('and at most five are shown, all are counted, and the rest goes on', async () => {
    const { account, sent, acknowledged, failed } = await run({
      inject: (response, { body }) => /"ind":\d[02468]\}/.test(body) && status(400, 'even')(response),
      count: 100,
    })
    expect({ sent, acknowledged, failed }).toEqual({ sent: 100, acknowledged: 55, failed: 45 })
    expect(account.refused).toHaveLength(5)
  })

  test('soon when the door has been dead for the whole time: it is not paid for by each record', async () => {
    const { account, failed } = await run({
      inject: first(9e9, status(503)),
      count: 12,
      concurrency: 2,
      retryForMs: 500,
    })
    expect(failed).toBe(12)
    // Two records fill the time; the ten after them have one more try each.
    expect(account.retries).toBeLessThan(2 * 6 + 10)
    expect(account.retries).toBeGreaterThanOrEqual(10)
  })

  test('when the signal comes while it waits', async () => {
    const { account, failed } = await run({
      inject: first(9, status(503, '', { 'retry-after': '30' })),
      signal: AbortSignal.timeout(300),
      count: 50,
      concurrency: 3,
    })
    expect([failed, account.retries]).toEqual([3, 0])
  })

  test('when nobody answers at all, naming why', async () => {
    const account = await emulate({
      pipeline,
      via: 'both',
      gatewayUrl: 'http://127.0.0.1:1',
      source: posts(1),
      retryForMs: 0,
    })
    expect(account.refused).toEqual([
      {
        code: 'DOOR_REFUSED',
        dataset: 'pin',
        post: 0,
        door: 'kafka-rest',
        message: expect.stringMatching(/ECONNREFUSED/),
      },
    ])
  })
})
