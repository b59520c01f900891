import { expect, test } from 'vitest'
import { call, failing, openGateway } from '../harness.ts'

const type = 'application/x-amz-json-1.1'
const authorization =
  'AWS4-HMAC-SHA256 Credential=test/20200101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=abc'

function act(url: string, action: string, body: unknown, headers: Record<string, string> = {}) {
  return call(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      'content-type': type,
      'x-amz-target': `Kinesis_20131202.${action}`,
      'x-amz-date': '20200101T000000Z',
      authorization,
      ...headers,
    },
  })
}

test('what is wrong with the call is reported in the order and words of AWS', async () => {
  const { url } = await openGateway()
  const post = (headers: Record<string, string>, body = '{}', query = '') =>
    call(url + query, { method: 'POST', body, headers })
  const target = 'Kinesis_20131202.ListStreams'

  const get = await call(url, { headers: { authorization } })
  expect([get.status, get.text]).toEqual([
    403,
    '<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n' +
      '</AccessDeniedException>\n',
  ])
  const noTarget = await post({ authorization, 'content-type': 'text/plain' })
  expect([noTarget.status, noTarget.text]).toEqual([403, get.text])
  const cbor = await post({
    authorization,
    'x-amz-target': target,
    'content-type': 'application/x-amz-cbor-1.1',
  })
  expect([cbor.status, cbor.text]).toEqual([404, '<UnknownOperationException/>\n'])

  for (const body of ['', '{"a"', '[]', 'null', '"a"']) {
    const answer = await post({ 'x-amz-target': target, 'content-type': type }, body)
    expect([answer.status, answer.json], body).toEqual([400, { __type: 'SerializationException' }])
  }
  for (const wrong of [
    'Kinesis_20131202.Nothing',
    'Other.ListStreams',
    'ListStreams',
    'Kinesis_20131202.constructor',
  ]) {
    const answer = await post({ 'x-amz-target': wrong, 'content-type': type })
    expect([answer.status, answer.json], wrong).toEqual([400, { __type: 'UnknownOperationException' }])
  }

  const headers = { 'x-amz-target': target, 'content-type': type }
  expect((await post(headers)).json).toEqual({
    __type: 'MissingAuthenticationTokenException',
    message: 'Missing Authentication Token',
  })
  expect((await post({ ...headers, authorization }, '{}', '/?X-Amz-Algorithm=a')).json).toEqual({
    __type: 'InvalidSignatureException',
    message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
  })
  expect((await post({ ...headers, authorization: 'AWS4- Credential=a' })).json).toEqual({
    __type: 'IncompleteSignatureException',
    message:
      "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. " +
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " +
      'Authorization=AWS4- Credential=a',
  })
  expect((await post(headers, '{}', '/?X-Amz-Algorithm=a&X-Amz-Date=b')).json).toEqual({
    __type: 'IncompleteSignatureException',
    message:
      "AWS query-string parameters must include 'X-Amz-Credential'. " +
      "AWS query-string parameters must include 'X-Amz-Signature'. " +
      "AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.",
  })
})

test('every answer has its ids, errors too', async () => {
  const { url } = await openGateway()
  const answers = [
    await act(url, 'ListStreams', {}),
    await act(url, 'Nothing', {}),
    await call(url, { headers: { authorization } }),
    await call(`${url}/streams`),
  ]
  for (const { headers } of answers) {
    expect(headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers.get('x-amz-id-2')).toMatch(/^[A-Za-z0-9+/=]{90,}$/)
  }
})

test.each([
  ['PutRecord', { StreamName: 1 }, 'class java.math.BigDecimal can not be converted to an String'],
  ['PutRecord', { StreamName: true }, 'class java.lang.Boolean can not be converted to an String'],
  ['PutRecord', { StreamName: [] }, 'Start of list found where not expected'],
  ['PutRecord', { Data: {} }, 'Start of structure or map found where not expected.'],
  ['PutRecord', { Data: 1 }, 'class java.math.BigDecimal can not be converted to a Blob'],
  [
    'PutRecord',
    { Data: 'abc' },
    "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
  ],
  ['PutRecord', { Data: 'ab$=' }, "'ab$=' can not be converted to a Blob: Invalid Base64 character: '$'"],
  ['CreateStream', { ShardCount: '1' }, 'class java.lang.String can not be converted to an Integer'],
  ['PutRecords', { Records: 'a' }, 'Expected list or null'],
  ['PutRecords', { Records: {} }, 'Start of structure or map found where not expected.'],
  ['PutRecords', { Records: ['a'] }, 'Expected null'],
])('%s of %j is a SerializationException', async (action, body, message) => {
  const { url } = await openGateway()
  const answer = await act(url, action, body)
  expect([answer.status, answer.json]).toEqual([400, { __type: 'SerializationException', Message: message }])
})

const key257 = 'k'.repeat(257)
test.each([
  [
    'PutRecord',
    {},
    "2 validation errors detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'data' failed to satisfy constraint: Member must not be null",
  ],
  [
    'PutRecord',
    { StreamName: '', PartitionKey: '', Data: '', ExplicitHashKey: '', SequenceNumberForOrdering: '' },
    "5 validation errors detected: Value '' at 'sequenceNumberForOrdering' failed to satisfy constraint: " +
      'Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128}); ' +
      "Value '' at 'partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
      "Value '' at 'explicitHashKey' failed to satisfy constraint: " +
      'Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38}); ' +
      "Value '' at 'streamName' failed to satisfy constraint: " +
      'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; ' +
      "Value '' at 'streamName' failed to satisfy constraint: Member must have length greater than or equal to 1",
  ],
  [
    'PutRecord',
    { StreamName: 's', PartitionKey: key257, Data: Buffer.alloc(1025).toString('base64') },
    `2 validation errors detected: Value '${key257}' at 'partitionKey' failed to satisfy constraint: ` +
      'Member must have length less than or equal to 256; ' +
      "Value 'java.nio.HeapByteBuffer[pos=0 lim=1025 cap=1025]' at 'data' failed to satisfy constraint: " +
      'Member must have length less than or equal to 1024',
  ],
  [
    'PutRecord',
    { PartitionKey: 'k', Data: '' },
    "1 validation error detected: Value null at 'streamName' failed to satisfy constraint: Member must not be null",
  ],
  [
    'PutRecords',
    { StreamName: 's', Records: [] },
    "1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: " +
      'Member must have length greater than or equal to 1',
  ],
  [
    'PutRecords',
    { StreamName: 's', Records: [{ PartitionKey: 'k', Data: '' }, { PartitionKey: '' }] },
    "2 validation errors detected: Value '' at 'records.2.partitionKey' failed to satisfy constraint: " +
      'Member must have length greater than or equal to 1; ' +
      "Value null at 'records.2.data' failed to satisfy constraint: Member must not be null",
  ],
  [
    'CreateStream',
    { ShardCount: 0, StreamName: 'a b' },
    "2 validation errors detected: Value '0' at 'shardCount' failed to satisfy constraint: " +
      "Member must have value greater than or equal to 1; Value 'a b' at 'streamName' failed to satisfy constraint: " +
      'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+',
  ],
  [
    'CreateStream',
    { StreamName: 's' },
    "1 validation error detected: Value null at 'shardCount' failed to satisfy constraint: Member must not be null",
  ],
  [
    'ListStreams',
    { Limit: 10_001 },
    "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: " +
      'Member must have value less than or equal to 10000',
  ],
])('%s of %j is a ValidationException that names all of it', async (action, body, message) => {
  const { url } = await openGateway({ options: { recordBytesMax: 1024 } })
  const answer = await act(url, action, body)
  expect([answer.status, answer.json]).toEqual([400, { __type: 'ValidationException', message }])
})

test('501 records are too many, and no more than ten failures are told', async () => {
  const { url } = await openGateway()
  const entry = { PartitionKey: 'k', Data: '' }
  const many = await act(url, 'PutRecords', { StreamName: 's', Records: new Array(501).fill(entry) })
  expect(many.json.message).toMatch(
    /at 'records' failed .* Member must have length less than or equal to 500$/,
  )
  const bad = await act(url, 'PutRecords', { StreamName: 's', Records: new Array(50).fill({}) })
  expect(bad.json.message).toMatch(/^10 validation errors detected: /)
})

test('what the state of streams forbids has its own exceptions', async () => {
  const { url, log } = await openGateway()
  await log.createTopic('there', { partitions: 2, partitioner: 'kinesis' })
  const notFound = {
    __type: 'ResourceNotFoundException',
    message: 'Stream none under account 000000000000 not found.',
  }
  for (const [action, body] of [
    ['PutRecord', { PartitionKey: 'k', Data: '' }],
    ['PutRecords', { Records: [{ PartitionKey: 'k', Data: '' }] }],
    ['DescribeStream', {}],
    ['DescribeStreamSummary', {}],
  ] as const) {
    expect((await act(url, action, { StreamName: 'none', ...body })).json).toEqual(notFound)
  }
  expect(log.topics()).toHaveLength(1)
  expect((await act(url, 'CreateStream', { StreamName: 'there', ShardCount: 1 })).json).toEqual({
    __type: 'ResourceInUseException',
    message: 'Stream there under account 000000000000 already exists.',
  })
  expect((await act(url, 'CreateStream', { StreamName: '..', ShardCount: 1 })).json.__type).toBe(
    'ValidationException',
  )
  expect((await act(url, 'CreateStream', { StreamName: 'large', ShardCount: 499 })).json).toMatchObject({
    __type: 'LimitExceededException',
    message: expect.stringContaining('Current shard count for the account: 2. Limit: 500.'),
  })
  const hash = (2n ** 128n).toString()
  const beyond = { StreamName: 'there', PartitionKey: 'k', Data: '', ExplicitHashKey: hash }
  expect((await act(url, 'PutRecord', beyond)).json).toEqual({
    __type: 'InvalidArgumentException',
    message: `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${hash}`,
  })
})

test('a log that fails is a 503 to send again; a shard that fails is a record to send again', async () => {
  const { url, log } = await openGateway({ wrap: failing('LOG_FULL', 0) })
  await log.createTopic('s', { partitions: 2, partitioner: 'kinesis' })
  const [low, high] = ['0', (2n ** 128n - 1n).toString()]
  const entry = (ExplicitHashKey: string) => ({ PartitionKey: 'k', Data: 'YQ==', ExplicitHashKey })
  const whole = await act(url, 'PutRecord', { StreamName: 's', ...entry(low) })
  expect([whole.status, whole.json.__type]).toEqual([503, 'ServiceUnavailable'])
  expect(Number(whole.headers.get('retry-after'))).toBeGreaterThan(0)
  const part = await act(url, 'PutRecords', { StreamName: 's', Records: [entry(low), entry(high)] })
  expect([part.status, part.json]).toEqual([
    200,
    {
      FailedRecordCount: 1,
      Records: [
        { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal service failure.' },
        { ShardId: 'shardId-000000000001', SequenceNumber: expect.stringMatching(/^49\d{54}$/) },
      ],
    },
  ])
})

test('the JSON of a call is read strictly, its members loosely', async () => {
  const { url, log, values } = await openGateway()
  await log.createTopic('s', { partitions: 1, partitioner: 'kinesis' })
  const body =
    '{"StreamName":"x","StreamName":"s","PartitionKey":"\\u006b","Data":"YWI\\/","Unknown":{"a":[1]},"StreamARN":null}'
  expect((await act(url, 'PutRecord', body)).status).toBe(200)
  expect(values('s')).toEqual([Buffer.from('YWI/', 'base64').toString()])
  expect((await act(url, 'PutRecord', `${body},`)).json).toEqual({ __type: 'SerializationException' })
})
