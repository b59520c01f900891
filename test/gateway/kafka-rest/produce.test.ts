import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binaryType, call, failing, jsonType, openGateway, post } from '../harness.ts'

test('a JSON value is stored as sent, without insignificant white space', async () => {
  const { url, values } = await openGateway()
  const value = '{ "b" : 12345678901234567890 , "a":[ 1.10, 1e3, -0 ], "t":"\\u00e9\\/ é  \\n", "b": null }'
  const answer = await post(
    `${url}/topics/t`,
    `\n{ "records" : [ { "value" : ${value} } , {"value":" x "} ] }\n`,
    jsonType,
  )
  expect(answer.text).toBe(
    '{"offsets":[{"partition":0,"offset":0,"error_code":null,"error":null},' +
      '{"partition":0,"offset":1,"error_code":null,"error":null}],"key_schema_id":null,"value_schema_id":null}',
  )
  expect(answer.headers.get('content-type')).toBe('application/vnd.kafka.v2+json')
  expect(values('t')).toEqual([
    '{"b":12345678901234567890,"a":[1.10,1e3,-0],"t":"\\u00e9\\/ é  \\n","b":null}',
    '" x "',
  ])
})

test('any JSON value arrives byte for byte, in order, in JSON and in binary format', async () => {
  const { url, log } = await openGateway()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (sent, binary) => {
        const texts = sent.map((value) => JSON.stringify(value))
        const from = log.topics().length === 0 ? 0 : log.offsets('t', 0).end
        const records = binary
          ? texts.map((text) => ({ value: Buffer.from(text).toString('base64') }))
          : sent.map((value) => ({ value }))
        const answer = await post(`${url}/topics/t`, { records }, binary ? binaryType : jsonType)
        expect(answer.json.offsets.map(({ offset }: { offset: number }) => offset)).toEqual(
          texts.map((_text, index) => from + index),
        )
        const stored = log
          .read('t', 0, from, { records: 10, bytes: 1e6 })
          .map(({ value }) => value?.toString() ?? 'null')
        expect(stored).toEqual(texts)
      },
    ),
    { numRuns: 50 },
  )
})

test('JSON that only a strict reader refuses is taken: repeated names, half surrogates, depth', async () => {
  const { url, values } = await openGateway()
  const sent = ['{"a":1,"a":2}', '"\\ud800"', '['.repeat(500) + ']'.repeat(500)]
  const body = `{"records":[${sent.map((value) => `{"value":${value}}`)}]}`
  expect((await post(`${url}/topics/t`, body, jsonType)).status).toBe(200)
  expect(values('t')).toEqual(sent)
})

test('a null or missing key or value is null; a JSON key is its text', async () => {
  const { url, log } = await openGateway()
  await post(
    `${url}/topics/t`,
    { records: [{ key: null, value: null }, {}, { key: { k: 1 }, value: 1 }] },
    jsonType,
  )
  await post(`${url}/topics/t`, { records: [{ key: 'aw==', value: null }] }, binaryType)
  const records = log.read('t', 0, 0, { records: 10, bytes: 1e6 })
  expect(records.map(({ key, value }) => [key?.toString(), value?.toString()])).toEqual([
    [undefined, undefined],
    [undefined, undefined],
    ['{"k":1}', '1'],
    ['k', undefined],
  ])
})

test.each([
  ['nothing', '', 422],
  ['null', 'null', 422],
  ['an empty object', '{}', 422],
  ['no records', '{"records":[]}', 422],
  ['null records', '{"records":null}', 422],
  ['records as an object', '{"records":{"value":1}}', 422],
  ['an unknown member', '{"records":[{"value":1}],"topic":"t"}', 422],
  ['an unknown record member', '{"records":[{"index":1}]}', 422],
  ['a negative partition', '{"records":[{"value":1,"partition":-1}]}', 422],
  ['an array', '[{"value":1}]', 400],
  ['a record that is no object', '{"records":[1]}', 400],
  ['a partition that is no integer', '{"records":[{"value":1,"partition":"0"}]}', 400],
  ['a truncated text', '{"records":[{"value":', 400],
  ['a trailing comma', '{"records":[{"value":1},]}', 400],
  ['NaN', '{"records":[{"value":NaN}]}', 400],
  ['text after the end', '{"records":[{"value":1}]}{}', 400],
])('%s in place of a request is refused and makes no topic', async (_what, body, status) => {
  const { url, log } = await openGateway()
  const answer = await post(`${url}/topics/t`, body, jsonType)
  expect([answer.status, answer.json.error_code, typeof answer.json.message]).toEqual([
    status,
    status,
    'string',
  ])
  expect(log.topics()).toEqual([])
})

test('an unknown member is named', async () => {
  const { url } = await openGateway()
  const answer = await post(`${url}/topics/t`, { records: [{ value: 1, x: 1 }] }, jsonType)
  expect(answer.json).toEqual({ error_code: 422, message: 'Unrecognized field: x' })
})

test('a body that is not UTF-8 is a 400', async () => {
  const { url } = await openGateway()
  const body = Buffer.from('{"records":[{"value":"\xff"}]}', 'latin1')
  expect((await post(`${url}/topics/t`, body, jsonType)).json.error_code).toBe(400)
})

test('bad base64 is a 400, and JSON sent as binary is told the type to send', async () => {
  const { url } = await openGateway()
  expect((await post(`${url}/topics/t`, { records: [{ value: 'a$==' }] }, binaryType)).status).toBe(400)
  const answer = await post(`${url}/topics/t`, { records: [{ value: { a: 1 } }] }, 'application/json')
  expect([answer.status, answer.json.error_code]).toEqual([400, 400])
  expect(answer.json.message).toContain(jsonType)
})

test('types that name no format are binary; others are a 415', async () => {
  const { url, values } = await openGateway()
  const body = { records: [{ value: 'YQ==' }] }
  for (const type of [
    binaryType,
    'application/json',
    'application/octet-stream',
    'application/vnd.kafka.v2+json',
    'application/vnd.kafka.v1+json',
    'application/vnd.kafka.binary.v1+json',
    `${binaryType}; charset=utf-8`,
    undefined,
  ]) {
    expect((await post(`${url}/topics/t`, body, type)).status, type).toBe(200)
  }
  expect(new Set(values('t'))).toEqual(new Set(['a']))
  for (const type of ['text/plain', 'application/xml', 'application/vnd.kafka.json.v3+json', 'a']) {
    const answer = await post(`${url}/topics/t`, body, type)
    expect([answer.status, answer.json.error_code], type).toEqual([415, 415])
  }
})

test('formats with schemas answer as a proxy without a registry', async () => {
  const { url } = await openGateway()
  for (const format of ['avro', 'jsonschema', 'protobuf']) {
    const send = (body: object) => post(`${url}/topics/t`, body, `application/vnd.kafka.${format}.v2+json`)
    expect((await send({ records: [{ value: 1 }] })).json.error_code).toBe(42202)
    expect((await send({ records: [{ key: 1, value: 1 }] })).json.error_code).toBe(42201)
    expect((await send({ value_schema: '"int"', records: [{ value: 1 }] })).json.error_code).toBe(40801)
  }
})

test('the first record makes the topic and says so once', async () => {
  const { url, log } = await openGateway()
  const body = { records: [{ value: 1 }] }
  const answers = await Promise.all([1, 2, 3, 4].map(() => post(`${url}/topics/a.pin`, body, jsonType)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(answers.filter(({ headers }) => headers.get('pinflow-created-topic') === 'a.pin')).toHaveLength(1)
  expect(log.topics()).toMatchObject([{ name: 'a.pin', partitions: 1, partitioner: 'kafka' }])
})

test('topics that may not be made are a 404, names that may not be a 400', async () => {
  const { url } = await openGateway({ options: { autoCreateTopics: false } })
  const body = { records: [{ value: 1 }] }
  const missing = await post(`${url}/topics/t`, body, jsonType)
  expect([missing.status, missing.json]).toEqual([404, { error_code: 40401, message: 'Topic not found.' }])
  const open = await openGateway()
  for (const name of ['a%20b', 'a%2Fb', 'x'.repeat(250), '%C3%A9']) {
    const answer = await post(`${open.url}/topics/${name}`, body, jsonType)
    expect([answer.status, answer.json.error_code], name).toEqual([400, 40002])
  }
  expect((await post(`${open.url}/topics/${'x'.repeat(249)}`, body, jsonType)).status).toBe(200)
})

test('records go where they say, equal keys together, keyless ones everywhere', async () => {
  const { url, log, values } = await openGateway()
  await log.createTopic('t', { partitions: 4, partitioner: 'kafka' })
  const send = async (records: object[]) => {
    const answer = await post(`${url}/topics/t`, { records }, jsonType)
    return answer.json.offsets.map(({ partition }: { partition: number }) => partition) as number[]
  }
  expect(await send([3, 1, 3].map((partition) => ({ value: 'said', partition })))).toEqual([3, 1, 3])
  expect(new Set(await send(Array.from({ length: 5 }, () => ({ key: 'k', value: 1 })))).size).toBe(1)
  expect(new Set(await send(Array.from({ length: 40 }, () => ({ value: 1 })))).size).toBe(4)
  await post(`${url}/topics/t/partitions/2`, { records: [{ value: 'last' }] }, jsonType)
  expect(values('t', 2).at(-1)).toBe('"last"')
})

test('a partition out of range is a 404 and appends nothing', async () => {
  const { url, log } = await openGateway()
  await log.createTopic('t', { partitions: 2, partitioner: 'kafka' })
  const body = {
    records: [
      { value: 1, partition: 0 },
      { value: 1, partition: 2 },
    ],
  }
  const answer = await post(`${url}/topics/t`, body, jsonType)
  expect([answer.status, answer.json]).toEqual([404, { error_code: 40402, message: 'Partition not found.' }])
  for (const partition of ['2', '-1', 'x', '1e0']) {
    const named = await post(`${url}/topics/t/partitions/${partition}`, { records: [{ value: 1 }] }, jsonType)
    expect([named.status, named.json.error_code]).toEqual([404, 40402])
  }
  const twice = await post(
    `${url}/topics/t/partitions/0`,
    { records: [{ value: 1, partition: 0 }] },
    jsonType,
  )
  expect(twice.json).toEqual({ error_code: 422, message: 'Unrecognized field: partition' })
  expect(log.offsets('t', 0).end).toBe(0)
})

test('a record over the limit is a 413 and none of its request is appended', async () => {
  const { url, log } = await openGateway({ options: { recordBytesMax: 100 } })
  const answer = await post(
    `${url}/topics/t`,
    { records: [{ value: 1 }, { value: 'x'.repeat(99) }] },
    jsonType,
  )
  expect([answer.status, answer.json.error_code]).toEqual([413, 413])
  expect(log.topics()).toEqual([])
  expect((await post(`${url}/topics/t`, { records: [{ value: 'x'.repeat(98) }] }, jsonType)).status).toBe(200)
})

test('where one partition fails, its records say so and the others have offsets', async () => {
  const { url, log } = await openGateway({ wrap: failing('LOG_FULL', 1) })
  await log.createTopic('t', { partitions: 2, partitioner: 'kafka' })
  const answer = await post(
    `${url}/topics/t`,
    { records: [0, 1, 0].map((partition) => ({ value: partition, partition })) },
    jsonType,
  )
  expect(answer.status).toBe(200)
  expect(answer.json.offsets).toMatchObject([
    { partition: 0, offset: 0, error_code: null },
    { partition: null, offset: null, error_code: 50003 },
    { partition: 0, offset: 1, error_code: null },
  ])
})

test('records that would be quarantined are taken and counted', async () => {
  const { url, values } = await openGateway({
    judge: (_topic, value) => value === null || value.includes('bad'),
  })
  const answer = await post(`${url}/topics/t`, { records: [{ value: 'bad' }, { value: 1 }, {}] }, jsonType)
  expect([answer.status, answer.headers.get('pinflow-quarantine')]).toEqual([200, '2'])
  const good = await post(`${url}/topics/t`, { records: [{ value: 1 }] }, jsonType)
  expect(good.headers.get('pinflow-quarantine')).toBeNull()
  expect(values('t')).toHaveLength(4)
})

test('a request of a hundred thousand minute records is taken whole, a larger one refused', async () => {
  const { url, log } = await openGateway()
  const body = (count: number) => `{"records":[${'{},'.repeat(count - 1)}{}]}`
  expect((await post(`${url}/topics/t`, body(100_000), jsonType)).status).toBe(200)
  expect((await post(`${url}/topics/t`, body(100_001), jsonType)).status).toBe(413)
  expect(log.offsets('t', 0).end).toBe(100_000)
})

test.each([
  ['records', `{"records":[${'{},'.repeat(5_000_000)}{}]}`],
  ['scalars', `{"records":[${'1,'.repeat(7_000_000)}1]}`],
  ['members', `{${'"":1,'.repeat(3_000_000)}"a":1}`],
])('millions of minute %s are refused without being read into memory', async (_what, body) => {
  const { url } = await openGateway()
  const before = process.memoryUsage().heapUsed
  expect((await post(`${url}/topics/t`, body, jsonType)).status).toBe(413)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(150e6)
})

test('large values of many small members are no matter', async () => {
  const { url, values } = await openGateway()
  const value = `[${'"\\"[",'.repeat(100_000)}1]`
  const body = `{"records":[${Array.from({ length: 10 }, () => `{"value":${value}}`).join()}]}`
  expect((await post(`${url}/topics/t`, body, jsonType)).status).toBe(200)
  expect(values('t')).toEqual(new Array(10).fill(value))
})

test('GET and POST of / are the liveness check', async () => {
  const { url } = await openGateway()
  expect((await call(url)).json).toEqual({})
  expect((await post(url, '', jsonType)).json).toEqual({})
})
