/** A topic, as Kinesis knows it: its partitions are shards. */
import { encodeSequenceNumber, type Topic } from '../../log/index.ts'
import type { GatewayContext } from '../context.ts'
import { hasCode, type Refusal } from '../failure.ts'
import { kinesisRefusal } from './door.ts'
import { missing } from './validate.ts'

const streamNameForm = /^[a-zA-Z0-9_.-]{1,128}$/

/** Topics that a Kinesis client can name. */
export function streams({ log }: GatewayContext): Topic[] {
  return log.topics().filter(({ name }) => streamNameForm.test(name))
}

/** The stream that an action is about. @throws ValidationException, ResourceNotFoundException */
export function streamOf(context: GatewayContext, input: { StreamName?: string; StreamARN?: string }): Topic {
  const name = input.StreamName ?? input.StreamARN?.split('/')[1]
  if (name === undefined)
    throw kinesisRefusal('ValidationException', `1 validation error detected: ${missing('streamName')}`)
  try {
    return context.log.topic(name)
  } catch (error) {
    throw hasCode(error, 'TOPIC_UNKNOWN') ? streamNotFound(context, name) : error
  }
}

function streamNotFound({ options }: GatewayContext, name: string): Refusal {
  return kinesisRefusal(
    'ResourceNotFoundException',
    `Stream ${name} under account ${options.accountId} not found.`,
  )
}

/** What every description of a stream says. */
export function streamSummary({ options }: GatewayContext, { name, createdMs }: Topic) {
  return {
    StreamName: name,
    StreamARN: `arn:aws:kinesis:${options.region}:${options.accountId}:stream/${name}`,
    StreamStatus: 'ACTIVE',
    StreamModeDetails: { StreamMode: 'PROVISIONED' },
    StreamCreationTimestamp: createdMs / 1000,
  }
}

/** What the two descriptions of one stream say besides. */
export const streamSettings = {
  /** The least that Kinesis knows; the log may keep records longer. */
  RetentionPeriodHours: 24,
  EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
  EncryptionType: 'NONE',
}

export function shardId(shard: number): string {
  return `shardId-${String(shard).padStart(12, '0')}`
}

/** Where a record stands, as Kinesis tells it. */
export function placeOf(
  { createdMs }: Topic,
  appended: { partition: number; offset: number; appendTimeMs: number },
) {
  const { partition: shard, offset, appendTimeMs } = appended
  const SequenceNumber = encodeSequenceNumber({ shardCreatedMs: createdMs, shard, offset, appendTimeMs })
  return { SequenceNumber, ShardId: shardId(shard) }
}
