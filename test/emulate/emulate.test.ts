import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { type EmulateAccount, emulate, type Post, type Source } from '../../src/emulate/index.ts'
import { dataset, type FrontDoors, openFrontDoors, pipelineOf } from './front-doors.ts'

const pipeline = pipelineOf(dataset('pin'), dataset('geo'), dataset('user'))
const opened: FrontDoors[] = []

async function open(options?: Parameters<typeof openFrontDoors>[0]): Promise<FrontDoors> {
  const doors = await openFrontDoors(options)
  opened.push(doors)
  return doors
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((doors) => doors.close()))
})

async function* posts(count: number, json = (post: number) => `{"ind":${post}}`): AsyncGenerator<Post> {
  for (let post = 0; post < count; post++) {
    yield { post, records: pipeline.datasets.map(({ name }) => ({ dataset: name, json: json(post) })) }
  }
}

const both = { pipeline, via: 'both' as const }

describe('doors', () => {
  test('even posts go through Kafka REST, odd ones through API Gateway, datasets one after the other', async () => {
    const doors = await open()
    const source = posts(2, (post) => `{ "ind" : ${post}.50 ,"t":"\\u00e9é😀","n":12345678901234567890}`)
    await emulate({ ...both, gatewayUrl: doors.url, source, concurrency: 1 })
    expect(doors.received.map(({ method, path, contentType }) => `${method} ${path} ${contentType}`)).toEqual(
      [
        ...['pin', 'geo', 'user'].map(
          (name) => `POST /topics/demo.${name} application/vnd.kafka.json.v2+json`,
        ),
        ...['pin', 'geo', 'user'].map(
          (name) => `PUT /streams/streaming-demo-${name}/record application/json`,
        ),
      ],
    )
    expect(doors.received[0]?.body).toBe(
      '{"records":[{"value":{ "ind" : 0.50 ,"t":"\\u00e9é😀","n":12345678901234567890}}]}',
    )
    expect(doors.received[4]?.body).toBe(
      '{"StreamName":"streaming-demo-geo","Data":{ "ind" : 1.50 ,"t":"\\u00e9é😀","n":12345678901234567890},"PartitionKey":"1.50"}',
    )
  })

  test.each([
    ['kafka-rest', 'POST'],
    ['api-gateway', 'PUT'],
  ] as const)('via %s every post takes that door', async (via, method) => {
    const doors = await open()
    await emulate({ pipeline, via, gatewayUrl: doors.url, source: posts(3) })
    expect(doors.received.map((one) => one.method)).toEqual(Array(9).fill(method))
  })

  test('a dataset that lacks one kind of topic goes through the other door', async () => {
    const doors = await open()
    const [topic, stream] = dataset('pin').topics
    const lacking = pipelineOf(dataset('pin', { topics: [topic!] }), dataset('geo', { topics: [stream!] }))
    const records = ['pin', 'geo'].map((name) => ({ dataset: name, json: '1' }))
    async function* source(): Source & AsyncGenerator<Post> {
      yield { post: 0, records }
      yield { post: 1, records }
    }
    await emulate({ pipeline: lacking, via: 'both', gatewayUrl: doors.url, source: source(), concurrency: 1 })
    expect(doors.received.map((one) => one.method)).toEqual(['POST', 'PUT', 'POST', 'PUT'])
  })

  test('the stage in the URL stands before every path', async () => {
    const doors = await open()
    await emulate({ ...both, gatewayUrl: `${doors.url}/dev/`, source: posts(1) })
    expect(doors.received[0]?.path).toBe('/dev/topics/demo.pin')
  })

  test.each([
    ['the preferred member', '{"ind":1,"index":"a\\"\\u00e9"}', 'a"é'],
    ['another when it is null', '{"index":null,"ind":7}', '7'],
    ['the post when there is none', '{"x":1}', '3'],
    ['the post when it is empty', '{"ind":""}', '3'],
    ['the post when it is too long', `{"ind":"${'x'.repeat(257)}"}`, '3'],
    ['the post when it is no scalar', '{"ind":{"a":1}}', '3'],
    ['the post for a value that is no object', '[1]', '3'],
  ])('the partition key is the key: %s', async (_, json, key) => {
    const doors = await open()
    async function* source(): AsyncGenerator<Post> {
      yield { post: 3, records: [{ dataset: 'pin', json: Buffer.from(json) }] }
    }
    await emulate({ ...both, gatewayUrl: doors.url, source: source() })
    expect(JSON.parse(doors.received[0]!.body)).toEqual({
      StreamName: 'streaming-demo-pin',
      Data: JSON.parse(json),
      PartitionKey: key,
    })
  })

  test('any JSON arrives as it was, byte for byte', async () => {
    const doors = await open()
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.constantFrom('kafka-rest', 'api-gateway'), async (json, via) => {
        async function* source(): AsyncGenerator<Post> {
          yield { post: 0, records: [{ dataset: 'pin', json }] }
        }
        await emulate({ pipeline, via, gatewayUrl: doors.url, source: source() })
        const { body } = doors.received.at(-1)!
        const head =
          via === 'kafka-rest' ? '{"records":[{"value":' : '{"StreamName":"streaming-demo-pin","Data":'
        expect(body.startsWith(head + json)).toBe(true)
        expect(body.slice(head.length + json.length)).toMatch(/^(\}\]\}|,"PartitionKey":".*"\})$/s)
      }),
      { numRuns: 50 },
    )
  })
})

describe('the account', () => {
  test('adds up, and is shown after every post', async () => {
    const doors = await open()
    const seen: number[] = []
    const onProgress = ({ datasets }: EmulateAccount) => seen.push(datasets.user!.acknowledged)
    const account = await emulate({ ...both, gatewayUrl: doors.url, source: posts(100), onProgress })
    const count = { sent: 100, acknowledged: 100, failed: 0 }
    expect(account).toEqual({ datasets: { pin: count, geo: count, user: count }, retries: 0, refused: [] })
    expect(seen).toHaveLength(100)
    expect(seen.at(-1)).toBe(100)
    expect(doors.received).toHaveLength(300)
  })

  test('an empty source gives an account of nothing', async () => {
    const account = await emulate({ ...both, gatewayUrl: 'http://127.0.0.1:1', source: posts(0) })
    expect(account.datasets.pin).toEqual({ sent: 0, acknowledged: 0, failed: 0 })
  })

  test('what the source throws comes out after what is in flight', async () => {
    const doors = await open({ delayMs: 20 })
    async function* broken(): AsyncGenerator<Post> {
      yield* posts(3)
      throw new Error('the disk is gone')
    }
    let finished = 0
    const onProgress = () => finished++
    await expect(emulate({ ...both, gatewayUrl: doors.url, source: broken(), onProgress })).rejects.toThrow(
      'disk',
    )
    expect(finished).toBe(3)
    expect(doors.received).toHaveLength(9)
  })

  test('an error of the program in a post ends the run', async () => {
    const doors = await open()
    const onProgress = () => {
      throw new TypeError('a bug')
    }
    await expect(
      emulate({ ...both, gatewayUrl: doors.url, source: posts(1000), onProgress }),
    ).rejects.toThrow('a bug')
    expect(doors.received.length).toBeLessThan(1000)
  })

  test('a URL that is none is refused', async () => {
    for (const gatewayUrl of ['127.0.0.1:8082', 'ftp://host']) {
      const run = emulate({ ...both, gatewayUrl, source: posts(1) })
      await expect(run).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    }
  })
})

describe('pace', () => {
  test('no more posts are in flight, or read, than asked for', async () => {
    const doors = await open({ delayMs: 2 })
    let read = 0
    let done = 0
    let ahead = 0
    async function* watched(): AsyncGenerator<Post> {
      for await (const post of posts(60)) {
        ahead = Math.max(ahead, ++read - done)
        yield post
      }
    }
    const onProgress = () => done++
    await emulate({ ...both, gatewayUrl: doors.url, source: watched(), concurrency: 4, onProgress })
    expect(doors.busiest()).toBe(4)
    expect(ahead).toBe(4)
  })

  test('a rate keeps posts apart, and without one they are not', async () => {
    const doors = await open()
    const spanOf = async (ratePerSecond?: number) => {
      const startMs = performance.now()
      const rate = ratePerSecond === undefined ? {} : { ratePerSecond }
      await emulate({ ...both, gatewayUrl: doors.url, source: posts(11), ...rate })
      return doors.received.at(-1)!.atMs - startMs
    }
    const free = await spanOf()
    const slow = await spanOf(50)
    expect(slow).toBeGreaterThan(190)
    expect(free).toBeLessThan(slow)
  })

  test('the signal stops the reading, and what is in flight is still counted', async () => {
    const doors = await open({ delayMs: 1 })
    const stop = new AbortController()
    let left = false
    async function* endless(): AsyncGenerator<Post> {
      try {
        yield* posts(Number.POSITIVE_INFINITY)
      } finally {
        left = true
      }
    }
    const onProgress = ({ datasets }: EmulateAccount) => {
      if (datasets.user!.acknowledged >= 20) stop.abort()
    }
    const { signal } = stop
    const account = await emulate({ ...both, gatewayUrl: doors.url, source: endless(), signal, onProgress })
    expect(left).toBe(true)
    const { sent, acknowledged } = account.datasets.pin!
    expect(sent).toBe(acknowledged)
    expect(sent).toBeGreaterThanOrEqual(20)
    expect(sent).toBeLessThan(60)
    expect(doors.received).toHaveLength(3 * sent)
  })

  test('the signal ends a wait for the rate', async () => {
    const doors = await open()
    const signal = AbortSignal.timeout(300)
    const source = posts(1000)
    const account = await emulate({
      ...both,
      gatewayUrl: doors.url,
      source,
      ratePerSecond: 0.01,
      signal,
    })
    expect(account.datasets.pin).toEqual({ sent: 1, acknowledged: 1, failed: 0 })
  })
})
