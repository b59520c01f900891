import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPlatform } from './platform.ts'
import { installPython, runPython } from './python.ts'

let platform: Awaited<ReturnType<typeof startPlatform>>
beforeAll(async () => {
  await installPython()
  platform = await startPlatform()
})
afterAll(() => platform?.end())

const client = `
import boto3, sys
from botocore.config import Config
kinesis = boto3.client('kinesis', endpoint_url=sys.argv[1], region_name='us-east-1',
  aws_access_key_id='test', aws_secret_access_key='test', config=Config(retries={'max_attempts': 0}))
`

test('boto3 creates a stream, waits for it, describes and lists it, puts records, and gets typed errors', async () => {
  const script = `${client}
kinesis.create_stream(StreamName='orders', ShardCount=3)
kinesis.get_waiter('stream_exists').wait(StreamName='orders')
summary = kinesis.describe_stream_summary(StreamName='orders')['StreamDescriptionSummary']
one = kinesis.put_record(StreamName='orders', Data=b'\\x00\\xffraw', PartitionKey='k')
many = kinesis.put_records(StreamName='orders', Records=[{'Data': str(n).encode(), 'PartitionKey': str(n)} for n in range(500)])
try:
  kinesis.put_record(StreamName='missing', Data=b'x', PartitionKey='k')
  error = None
except kinesis.exceptions.ResourceNotFoundException as e:
  error = e.response['Error']['Code']
done({'status': summary['StreamStatus'], 'shards': summary['OpenShardCount'], 'shard': one['ShardId'],
  'digits': len(one['SequenceNumber']), 'failed': many['FailedRecordCount'], 'put': len(many['Records']),
  'streams': kinesis.list_streams()['StreamNames'], 'error': error})`
  const result = (await runPython(script, [platform.gatewayUrl])) as Record<string, unknown>
  expect(result).toMatchObject({
    status: 'ACTIVE',
    shards: 3,
    digits: 56,
    failed: 0,
    put: 500,
    error: 'ResourceNotFoundException',
  })
  expect(result.streams).toContain('orders')

  const { log } = platform.platform
  const held = [0, 1, 2].flatMap((shard) => log.read('orders', shard, 0, { records: 1_000, bytes: 2 ** 20 }))
  expect(held).toHaveLength(501)
  const shard = Number(String(result.shard).slice('shardId-'.length))
  expect(held.filter((record) => record.partition === shard)[0]?.value).toEqual(
    Buffer.from([0, 255, ...Buffer.from('raw')]),
  )
})
