import { expect, test } from 'vitest'
import { call, failing, openGateway, type Setting } from '../harness.ts'

async function openStream(setting: Setting = {}, partitions = 1) {
  const opened = await openGateway(setting)
  await opened.log.createTopic('s', { partitions, partitioner: 'kinesis' })
  const put = (path: string, body: string | object, type: string | undefined = 'application/json') =>
    call(opened.url + path, {
      method: 'PUT',
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      headers: type === undefined ? {} : { 'content-type': type },
    })
  return { ...opened, put }
}

test('Data is stored as its JSON without insignificant white space, a string with its quotes', async () => {
  const { put, values, log } = await openStream()
  const sent = [
    '{ "index": 7528, "n": 12345678901234567890, "d": 1.10 }',
    '[ 1, 2 ]',
    '"a \\u00e9 \\" "',
    '1e3',
    'false',
  ]
  for (const data of sent) {
    const body = `{"StreamName":"{stream-name}","Data":${data},"PartitionKey":"k"}`
    const answer = await put('/dev/streams/s/record', body)
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      ShardId: 'shardId-000000000000',
      SequenceNumber: expect.stringMatching(/^49\d{54}$/),
    })
    expect(answer.headers.get('content-type')).toBe('application/json')
  }
  expect(values('s')).toEqual([
    '{"index":7528,"n":12345678901234567890,"d":1.10}',
    '[1,2]',
    '"a \\u00e9 \\" "',
    '1e3',
    'false',
  ])
  expect(log.read('s', 0, 0, { records: 1, bytes: 1 })[0]?.key?.toString()).toBe('k')
})

test.each([
  ['no Data', '{"StreamName":"s","PartitionKey":"k"}'],
  ['null Data', '{"Data":null,"PartitionKey":"k"}'],
  ['a Kafka body', '{"records":[{"value":{"a":1}}]}'],
  ['no JSON', '{"Data":'],
  ['an array', '[]'],
  ['nothing', ''],
])('a record with %s is a 400 that says what was expected, and stores nothing', async (_what, body) => {
  const { put, log } = await openStream()
  for (const type of ['application/json', 'application/vnd.kafka.json.v2+json', undefined]) {
    const answer = await put('/streams/s/record', body, type)
    expect(answer.status).toBe(400)
    expect(answer.json.message).toContain('"Data": <any JSON but null>')
  }
  expect(log.offsets('s', 0).end).toBe(0)
})

test('a partition key may be a number, but must be there', async () => {
  const { put, log } = await openStream()
  expect((await put('/streams/s/record', { Data: 1, PartitionKey: 7 })).status).toBe(200)
  expect(log.read('s', 0, 0, { records: 1, bytes: 1 })[0]?.key?.toString()).toBe('7')
  const answer = await put('/streams/s/record', { Data: 1 })
  expect([answer.status, answer.json]).toEqual([
    400,
    {
      __type: 'ValidationException',
      message:
        "1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be null",
    },
  ])
})

test('records take any of the names of the key, and a string without its quotes', async () => {
  const { put, values, log } = await openStream()
  const records = [
    { data: '{"a":1}', 'partition-key': 'x' },
    { data: { a: 2 }, partitionKey: 'y' },
    { data: [3], PartitionKey: 'z' },
  ]
  const answer = await put('/streams/s/records', { records })
  expect([answer.status, answer.json.FailedRecordCount, answer.json.Records.length]).toEqual([200, 0, 3])
  expect(values('s')).toEqual(['{"a":1}', '{"a":2}', '[3]'])
  expect(log.read('s', 0, 0, { records: 9, bytes: 99 }).map(({ key }) => key?.toString())).toEqual([
    'x',
    'y',
    'z',
  ])
  const bad = await put('/streams/s/records', {
    records: [records[0]!, { 'partition-key': 'k' }] as object[],
  })
  expect([bad.status, bad.json.message]).toEqual([
    400,
    expect.stringMatching(/^records\[1\]: No "data" is given/),
  ])
  for (const body of [{}, { records: {} }, { Records: [] }])
    expect((await put('/streams/s/records', body)).status).toBe(400)
  const none = await put('/streams/s/records', { records: [] })
  expect([none.status, none.json.__type]).toEqual([400, 'ValidationException'])
  const many = await put('/streams/s/records', { records: new Array(600).fill(records[0]) })
  expect([many.status, many.json.__type]).toEqual([400, 'ValidationException'])
})

test('a missing stream is not made by a record', async () => {
  const { put, log } = await openStream()
  for (const path of ['record', 'records']) {
    const body = { Data: 1, PartitionKey: 'k', records: [{ data: 'a', 'partition-key': 'k' }] }
    const answer = await put(`/streams/none/${path}`, body)
    expect([answer.status, answer.json]).toEqual([
      400,
      { __type: 'ResourceNotFoundException', message: 'Stream none under account 000000000000 not found.' },
    ])
  }
  expect(log.topics()).toHaveLength(1)
})

test('streams are listed, described and made', async () => {
  const { url, log } = await openStream({}, 2)
  const post = (path: string, body?: string, type = 'application/json') =>
    call(url + path, {
      method: 'POST',
      ...(body === undefined ? {} : { body, headers: { 'content-type': type } }),
    })
  expect((await call(`${url}/streams`)).json).toMatchObject({ StreamNames: ['s'], HasMoreStreams: false })
  const made = await post('/dev/streams/five/')
  expect([made.status, made.text]).toEqual([200, ''])
  expect((await post('/streams/three', '{"ShardCount": 3}')).status).toBe(200)
  expect((await post('/streams/four', '{"ShardCount":"4"}')).status).toBe(200)
  expect(log.topics()).toMatchObject([
    { name: 'five', partitions: 5 },
    { name: 'four', partitions: 4 },
    { name: 's', partitions: 2 },
    { name: 'three', partitions: 3 },
  ])
  const { json } = await call(`${url}/streams/three`)
  expect(json.StreamDescription).toMatchObject({
    StreamName: 'three',
    StreamStatus: 'ACTIVE',
    HasMoreShards: false,
  })
  expect(json.StreamDescription.Shards).toHaveLength(3)
  expect((await post('/streams/three')).json.__type).toBe('ResourceInUseException')
  expect((await post('/streams/x', '{"ShardCount":"a"}')).status).toBe(400)
  expect((await post('/streams/x', '{"ShardCount":1}', 'text/plain')).status).toBe(415)
  expect((await call(`${url}/streams/none`)).json.__type).toBe('ResourceNotFoundException')
})

test('a log that fails is a 503 of the gateway', async () => {
  const { put } = await openStream({ wrap: failing('LOG_FULL') })
  const answer = await put('/streams/s/record', { Data: 1, PartitionKey: 'k' })
  expect([answer.status, Object.keys(answer.json)]).toEqual([503, ['message']])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('records that would be quarantined are taken and counted', async () => {
  const { put } = await openStream({
    judge: (topic, value) => topic === 's' && value?.toString() === '"bad"',
  })
  expect(
    (await put('/streams/s/record', { Data: 'bad', PartitionKey: 'k' })).headers.get('pinflow-quarantine'),
  ).toBe('1')
  expect(
    (await put('/streams/s/record', { Data: 'good', PartitionKey: 'k' })).headers.get('pinflow-quarantine'),
  ).toBeNull()
})
