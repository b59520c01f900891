/** Each bad input: what, where and the next step are said on standard error, with the exit code of whose it is to mend. */
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pinflow, pinflowJson, root, type Started, start } from './pinflow.ts'

let folder: string
let server: Started
let data: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-bad-'))
  data = join(folder, 'data')
  server = await start(['--data', data])
})

afterAll(async () => {
  expect(await server.stop()).toBe(0)
  await rm(folder, { recursive: true })
})

/** The command fails as the user's to mend, prints no result, and says all of this. */
async function expectRefused(
  args: readonly string[],
  said: readonly string[],
  options: Parameters<typeof pinflow>[1] = {},
): Promise<void> {
  const { code, stdout, stderr } = await pinflow(args, {
    ...options,
    env: { TMPDIR: folder, ...options.env },
  })
  expect({ code, stdout, stderr }).toMatchObject({ code: 1, stdout: '' })
  for (const part of said) expect(stderr).toContain(part)
  // No internals.
  expect(stderr).not.toMatch(/\n\s+at /)
}

describe('a command line', () => {
  test.concurrent.each<[what: string, args: string[], said: string[]]>([
    ['an unknown command', ['verfy'], ["unknown command 'verfy'", 'Did you mean verify?', '--help']],
    [
      'an unknown option',
      ['demo', '--post', '3'],
      ["unknown option '--post'", 'Did you mean --posts?', '--help'],
    ],
    ['a number that is none', ['emulate', '--seed', 'x'], ["'--seed <n>' argument 'x' is invalid", 'whole']],
  ])('%s', (_, args, said) => expectRefused(args, said))
})

describe('a configuration', () => {
  const next = '`pinflow config` shows every key'

  test.concurrent.each<[what: string, content: string, said: string[]]>([
    [
      'an unknown key',
      '{"gateway": {"prot": 1}}',
      ['an unknown key gateway.prot; did you mean gateway.port?'],
    ],
    ['a value of another type', '{"gateway": {"port": "x"}}', ['gateway.port = "x"', 'must be integer']],
    ['no JSON', '{"gateway": ', ['Unexpected end of JSON input']],
  ])('in a file: %s', async (what, content, said) => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.json`)
    await writeFile(file, content)
    await expectRefused(['config', '--config', file], ['CONFIG_INVALID: ', file, next, ...said])
  })

  test('in the environment, or from a flag', async () => {
    await expectRefused(
      ['config'],
      ['the environment names an unknown key PINFLOW_GATWAY_PORT', 'PINFLOW_GATEWAY_PORT?', next],
      {
        env: { PINFLOW_GATWAY_PORT: '1' },
      },
    )
    await expectRefused(
      ['start', '--api-port', '70000'],
      ['api.port = 70000 (flag) must be integer 0–65535', next],
    )
  })
})

describe('a pipeline', () => {
  test('whose cleaning text is no row-by-row SELECT: named by dataset, construct and place', async () => {
    const copy = join(folder, 'orchard')
    const original = join(root, 'test', 'fixtures', 'orchard')
    await cp(original, copy, { recursive: true })
    const definition = await readFile(join(original, 'pipeline.ts'), 'utf8')
    await writeFile(join(copy, 'pipeline.ts'), definition.replace('../../../src', join(root, 'src')))
    const text = 'SELECT _record, station, measured, now() AS celsius\nFROM raw_weather'
    await writeFile(join(copy, 'clean', 'weather.sql'), text)
    await expectRefused(
      ['demo', '--pipeline', copy, '--posts', '1'],
      [
        'PIPELINE_INVALID: the cleaning text of weather (line 1, column 36): the function now is not',
        'Correct the pipeline folder',
      ],
    )
  })

  test('that is not there', () =>
    expectRefused(
      ['demo', '--pipeline', 'nowhere'],
      ['PIPELINE_INVALID: ', 'nowhere cannot be read: it does not exist'],
    ))
})

describe('a data folder', () => {
  test('in use: by which process, and where it answers', async () => {
    const said = [
      `DATA_FOLDER_IN_USE: ${data} is in use by process `,
      server.apiUrl,
      'choose another with --data',
    ]
    await expectRefused(['start', '--data', data], said)
  })

  test('of a newer format: nothing in it is touched', async () => {
    const newer = join(folder, 'newer')
    await mkdir(newer)
    await writeFile(join(newer, 'pinflow.json'), '{"format": 99}')
    const said = [
      `DATA_FOLDER_NEWER: ${newer} has format 99`,
      'this version reads format 1',
      'Use the pinflow version',
    ]
    for (const command of ['start', 'verify']) await expectRefused([command, '--data', newer], said)
    expect(await readdir(newer)).toEqual(['pinflow.json'])
  })

  test('that holds other things, is a file, or has no data yet', async () => {
    const other = join(folder, 'other')
    await mkdir(other)
    await writeFile(join(other, 'thesis.txt'), 'all of it')
    await expectRefused(['start', '--data', other], ['DATA_FOLDER_UNUSABLE: ', other, 'thesis.txt', '--data'])
    const file = join(other, 'thesis.txt')
    await expectRefused(['start', '--data', file], ['DATA_FOLDER_UNUSABLE: ', file, 'is a folder'])
    const none = join(folder, 'none')
    await expectRefused(
      ['verify', '--data', none],
      [`there is no data in ${none}`, '`pinflow demo` or `pinflow start`'],
    )
  })

  test('behind its lake is refused with what to do, and --adopt continues', async () => {
    const behind = join(folder, 'behind')
    const on = ['--data', behind]
    await pinflowJson(['demo', '--posts', '6', ...on])
    await rm(join(behind, 'log'), { recursive: true })
    await expectRefused(
      ['start', ...on],
      [`LOG_BEHIND_LAKE: the lake in ${behind} was filled from log `, 'start once with --adopt'],
    )

    const adopted = await start(['--adopt', ...on])
    try {
      await pinflowJson(['emulate', '--posts', '6', '--via', 'kafka-rest', ...on])
      const { stdout } = await pinflow(['consume', 'demo.pin', '--from-beginning', ...on])
      const offsets = stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { offset: number }).offset)
      // Three of the first six went this way: their offsets are not given out again.
      expect(offsets).toEqual([3, 4, 5, 6, 7, 8])
      expect(await pinflowJson(['run', 'batch', ...on])).toMatchObject({
        verify: { ok: true },
        account: { pin: { appended: 12, landed: 12, batch: { read: 12, rows: 6, duplicates: 6 } } },
      })
    } finally {
      expect(await adopted.stop()).toBe(0)
    }
  })
})

test('a port in use, by the front doors or the API', async () => {
  const { port } = new URL(server.gatewayUrl)
  const next = 'Choose another with --gateway-port or --api-port (0 = any free one)'
  await expectRefused(['demo', '--gateway-port', port], ['PORT_IN_USE: ', port, next])
  await expectRefused(
    ['start', '--data', join(folder, 'p'), '--gateway-port', '0', '--api-port', port],
    ['PORT_IN_USE: the API', port, next],
  )
})

describe('what is asked for and not there', () => {
  test.concurrent.each<[args: string[], said: string[]]>([
    [
      ['consume', 'nowhere'],
      ['TOPIC_UNKNOWN: there is no topic nowhere', '`pinflow topics`'],
    ],
    [
      ['ask', '99'],
      ['QUESTION_UNKNOWN: there is no question 99, but 1, 2, 3a', '`pinflow ask`'],
    ],
    [
      ['tables', 'history', 'nothing'],
      ['TABLE_UNKNOWN: there is no table nothing, but stream.pin', '`pinflow tables`'],
    ],
    [
      ['sql', 'SELEC 1'],
      ['QUERY_INVALID: ', 'SELEC', 'Correct the SQL'],
    ],
    [
      ['sql', 'DROP TABLE stream.pin'],
      ['QUERY_INVALID: ', 'Correct the SQL'],
    ],
  ])('%j', (args, said) => expectRefused([...args, '--data', data], said))
})

describe('a request', () => {
  const kafkaType = { 'content-type': 'application/vnd.kafka.json.v2+json' }
  const json = { 'content-type': 'application/json' }

  async function send(path: string, init: RequestInit): Promise<{ status: number; body: string }> {
    const response = await fetch(server.gatewayUrl + path, init)
    return { status: response.status, body: await response.text() }
  }

  const produce = (body: string, headers: Record<string, string> = kafkaType) =>
    send('/topics/demo.pin', { method: 'POST', headers, body })
  const put = (body: string) =>
    send('/streams/streaming-demo-pin/record', { method: 'PUT', headers: json, body })

  test('malformed, of another shape or type, or too large: what is wrong, and nothing is appended', async () => {
    const large = `{"records":[{"value":"${'x'.repeat(1_100_000)}"}]}`
    const answers: [{ status: number; body: string }, status: number, said: string][] = [
      [await produce('{"records":[{"value":'), 400, 'found the end of the text (byte 21)'],
      [await produce('{"records":[{"value":1},{"value":NaN}]}'), 400, 'byte'],
      [await produce('{"records":5}'), 422, 'records must be an array'],
      [await produce(''), 422, 'empty'],
      [await produce('{}', { 'content-type': 'text/plain' }), 415, 'Unsupported Media Type'],
      [await produce(large), 413, 'records[0] has 1100002 bytes, the limit is 1048576'],
      [await produce(' '.repeat(17 * 2 ** 20)), 413, 'larger than 16777216 bytes'],
      [await put('{"StreamName":"streaming-demo-pin","Data":'), 400, 'expected {\\"StreamName\\"'],
      [await put('{"StreamName":"streaming-demo-pin","Data":{"index":1}}'), 400, 'partitionKey'],
      [await send('/nowhere', { method: 'POST', headers: kafkaType, body: '{}' }), 404, 'Not Found'],
    ]
    for (const [answer, status, said] of answers) {
      expect(answer).toMatchObject({ status })
      expect(answer.body).toContain(said)
    }
    await expectNothingAppended()
  })

  test('truncated: the part that came is not appended', async () => {
    const { hostname, port } = new URL(server.gatewayUrl)
    const body = '{"records":[{"value":{"index":1}}]}'
    const head = `POST /topics/demo.pin HTTP/1.1\r\nHost: x\r\nContent-Type: ${kafkaType['content-type']}\r\nContent-Length: ${body.length + 10}\r\n\r\n`
    const socket = connect(Number(port), hostname)
    // Cut off without an answer, or with one that says so.
    socket.on('error', () => undefined).resume()
    socket.end(head + body)
    await once(socket, 'close')
    await expectNothingAppended()
  })

  async function expectNothingAppended(): Promise<void> {
    const topics = await pinflowJson<{ partitions: { end: number }[] }[]>(['topics', '--data', data])
    expect(topics.flatMap(({ partitions }) => partitions.map(({ end }) => end))).toEqual([0, 0, 0, 0, 0, 0])
  }
})
