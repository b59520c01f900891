import { createHash } from 'node:crypto'
import {
  CreateStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  paginateListStreams,
  ResourceNotFoundException,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { expect, onTestFinished, test } from 'vitest'
import { decodeSequenceNumber } from '../../../src/log/sequence-number.ts'
import { openGateway, type Setting } from '../harness.ts'

async function openClient(setting: Setting = {}) {
  const opened = await openGateway(setting)
  const client = new KinesisClient({
    endpoint: opened.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  })
  onTestFinished(() => client.destroy())
  return { ...opened, client }
}

test('a stream is made, described and listed', async () => {
  const { client, log } = await openClient()
  await client.send(new CreateStreamCommand({ StreamName: 'two', ShardCount: 2 }))
  await client.send(
    new CreateStreamCommand({ StreamName: 'demand', StreamModeDetails: { StreamMode: 'ON_DEMAND' } }),
  )
  await waitUntilStreamExists({ client, maxWaitTime: 30 }, { StreamName: 'two' })
  expect(log.topics()).toMatchObject([
    { name: 'demand', partitions: 4, partitioner: 'kinesis' },
    { name: 'two', partitions: 2, partitioner: 'kinesis' },
  ])
  const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName: 'two' }))
  const arn = 'arn:aws:kinesis:us-east-1:000000000000:stream/two'
  expect(summary.StreamDescriptionSummary).toMatchObject({
    StreamName: 'two',
    StreamARN: arn,
    StreamStatus: 'ACTIVE',
    OpenShardCount: 2,
    ConsumerCount: 0,
    StreamCreationTimestamp: new Date(log.topic('two').createdMs),
  })
  const byArn = await client.send(new DescribeStreamSummaryCommand({ StreamARN: arn }))
  expect(byArn.StreamDescriptionSummary).toEqual(summary.StreamDescriptionSummary)
})

test('streams are listed by name in pages', async () => {
  const { client, log } = await openClient()
  const names = Array.from({ length: 7 }, (_, index) => `s${index}`)
  for (const name of names) await log.createTopic(name, { partitions: 1, partitioner: 'kinesis' })
  await log.createTopic(`long-${'x'.repeat(200)}`, { partitions: 1, partitioner: 'kafka' })
  const pages: string[][] = []
  for await (const page of paginateListStreams({ client, pageSize: 3 }, {}))
    pages.push(page.StreamNames ?? [])
  expect(pages.map(({ length }) => length)).toEqual([3, 3, 1])
  expect(pages.flat()).toEqual(names)
  const all = await client.send(new ListStreamsCommand({ ExclusiveStartStreamName: 's4' }))
  expect(all).toMatchObject({ StreamNames: ['s5', 's6'], HasMoreStreams: false })
  expect('NextToken' in all).toBe(false)
  expect(all.StreamSummaries).toHaveLength(2)
})

test('a record put stands where the answer says, its bytes and key as sent', async () => {
  const { client, log } = await openClient()
  await log.createTopic('s', { partitions: 3, partitioner: 'kinesis' })
  const data = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const key = 'kéy😀'
  const answer = await client.send(new PutRecordCommand({ StreamName: 's', Data: data, PartitionKey: key }))
  const shard = Number(answer.ShardId?.slice('shardId-'.length))
  const [record] = log.read('s', shard, 0, { records: 1, bytes: 1 })
  expect([record?.value, record?.key?.toString()]).toEqual([data, key])
  expect(decodeSequenceNumber(answer.SequenceNumber ?? '')).toEqual({
    shard,
    offset: 0,
    shardCreatedMs: Math.floor(log.topic('s').createdMs / 1000) * 1000,
    appendTimeMs: Math.floor((record?.appendTimeMs ?? 0) / 1000) * 1000,
  })
})

test('a key goes to the shard whose hash range holds its MD5, an explicit hash to the one that holds it', async () => {
  const { client, log } = await openClient()
  for (const partitions of [1, 3, 5, 7]) {
    const StreamName = `s${partitions}`
    await log.createTopic(StreamName, { partitions, partitioner: 'kinesis' })
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamName }))
    const shards = StreamDescription?.Shards ?? []
    expect(shards).toHaveLength(partitions)
    const ranges = shards.map(({ ShardId, HashKeyRange }) => ({
      ShardId,
      start: BigInt(HashKeyRange?.StartingHashKey ?? -1),
      end: BigInt(HashKeyRange?.EndingHashKey ?? -1),
    }))
    expect([ranges[0]?.start, ranges.at(-1)?.end]).toEqual([0n, 2n ** 128n - 1n])
    const holder = (hash: bigint) => ranges.find(({ start, end }) => hash >= start && hash <= end)?.ShardId
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
    const edges = ranges.flatMap(({ start, end }) => [start, end])
    const answer = await client.send(
      new PutRecordsCommand({
        StreamName,
        Records: [
          ...keys.map((PartitionKey) => ({ PartitionKey, Data: Buffer.from('a') })),
          ...edges.map((edge) => ({ PartitionKey: 'k', Data: Buffer.from('a'), ExplicitHashKey: `${edge}` })),
        ],
      }),
    )
    const md5 = (key: string) => BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
    expect(answer.FailedRecordCount).toBe(0)
    expect(answer.Records?.map(({ ShardId }) => ShardId)).toEqual([...keys.map(md5), ...edges].map(holder))
  }
})

test('sequence numbers of a shard rise from record to record, above the number the shard starts with', async () => {
  const { client, log } = await openClient()
  await log.createTopic('s', { partitions: 1, partitioner: 'kinesis' })
  const put = async (count: number) => {
    const Records = Array.from({ length: count }, () => ({ PartitionKey: 'k', Data: Buffer.from('a') }))
    const answer = await client.send(new PutRecordsCommand({ StreamName: 's', Records }))
    return answer.Records?.map(({ SequenceNumber }) => BigInt(SequenceNumber ?? 0)) ?? []
  }
  const numbers = [...(await put(3)), ...(await put(500)), ...(await put(1))]
  expect(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)).toBe(true)
  const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamName: 's' }))
  const start = StreamDescription?.Shards?.[0]?.SequenceNumberRange?.StartingSequenceNumber
  expect(numbers[0]! >= BigInt(start ?? 0)).toBe(true)
})

test('a missing stream is the exception that the client knows, and is not made', async () => {
  const { client, log } = await openClient()
  const put = client.send(
    new PutRecordCommand({ StreamName: 's', Data: Buffer.from('a'), PartitionKey: 'k' }),
  )
  await expect(put).rejects.toBeInstanceOf(ResourceNotFoundException)
  expect(log.topics()).toEqual([])
})

test('a topic of the Kafka doors takes records too', async () => {
  const { client, log, values } = await openClient()
  await log.createTopic('demo.pin', { partitions: 1, partitioner: 'kafka' })
  const Data = Buffer.from('{"a":1}')
  const answer = await client.send(new PutRecordCommand({ StreamName: 'demo.pin', Data, PartitionKey: 'k' }))
  expect(answer.ShardId).toBe('shardId-000000000000')
  expect(values('demo.pin')).toEqual(['{"a":1}'])
})

test('a record of the largest size is taken', async () => {
  const { client, log } = await openClient()
  await log.createTopic('s', { partitions: 1, partitioner: 'kinesis' })
  const Data = Buffer.alloc(2 ** 20, 'x')
  await client.send(new PutRecordCommand({ StreamName: 's', Data, PartitionKey: '😀'.repeat(256) }))
  expect(log.offsets('s', 0).end).toBe(1)
})
