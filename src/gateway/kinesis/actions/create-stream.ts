import { hasCode } from '../../failure.ts'
import { defineAction } from '../action.ts'
import { kinesisRefusal } from '../door.ts'
import { streamName } from '../shape.ts'
import { missing } from '../validate.ts'

const onDemandShards = 4

/** Shards an account may have. */
const shardsMax = 500

export const createStream = defineAction(
  {
    type: 'Structure',
    members: {
      ShardCount: { type: 'Integer', min: 1, max: 100_000 },
      StreamName: { ...streamName, required: true },
      StreamModeDetails: {
        type: 'Structure',
        members: { StreamMode: { type: 'String', required: true, oneOf: ['PROVISIONED', 'ON_DEMAND'] } },
      },
    },
  },
  async ({ StreamName: name, ShardCount, StreamModeDetails }, { log, options }) => {
    const shards = StreamModeDetails?.StreamMode === 'ON_DEMAND' ? onDemandShards : ShardCount
    if (shards === undefined) {
      throw kinesisRefusal('ValidationException', `1 validation error detected: ${missing('shardCount')}`)
    }
    const taken = log.topics().reduce((sum, { partitions }) => sum + partitions, 0)
    if (taken + shards > shardsMax) {
      const message =
        `This request would exceed the shard limit for the account ${options.accountId} in ${options.region}. ` +
        `Current shard count for the account: ${taken}. Limit: ${shardsMax}. ` +
        `Number of additional shards that would have resulted from this request: ${shards}. ` +
        'Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) ' +
        'for current limits and how to request higher limits.'
      throw kinesisRefusal('LimitExceededException', message)
    }
    try {
      await log.createTopic(name, { partitions: shards, partitioner: 'kinesis' })
    } catch (error) {
      if (!hasCode(error, 'TOPIC_EXISTS')) throw error
      const message = `Stream ${name} under account ${options.accountId} already exists.`
      throw kinesisRefusal('ResourceInUseException', message)
    }
    return {}
  },
)
