import { encodeSequenceNumber, hashRange, type Topic } from '../../../log/index.ts'
import { defineAction } from '../action.ts'
import { streamArn, streamName } from '../shape.ts'
import { shardId, streamOf, streamSettings, streamSummary } from '../stream.ts'

export const describeStream = defineAction(
  {
    type: 'Structure',
    members: {
      Limit: { type: 'Integer', min: 1, max: 10_000 },
      ExclusiveStartShardId: { type: 'String', pattern: '[a-zA-Z0-9_.-]+', lengthMin: 1, lengthMax: 128 },
      StreamARN: streamArn,
      StreamName: streamName,
    },
  },
  (input, context) => {
    const { Limit = 100, ExclusiveStartShardId: after = '' } = input
    const stream = streamOf(context, input)
    const rest = shardsOf(stream).filter(({ ShardId }) => ShardId > after)
    return {
      output: {
        StreamDescription: {
          ...streamSummary(context, stream),
          ...streamSettings,
          Shards: rest.slice(0, Limit),
          HasMoreShards: rest.length > Limit,
        },
      },
    }
  },
)

function shardsOf({ partitions, createdMs }: Topic) {
  return Array.from({ length: partitions }, (_, shard) => {
    const first = { shardCreatedMs: createdMs, shard, offset: 0, appendTimeMs: createdMs }
    const { start, end } = hashRange(shard, partitions)
    return {
      ShardId: shardId(shard),
      HashKeyRange: { StartingHashKey: start.toString(), EndingHashKey: end.toString() },
      SequenceNumberRange: { StartingSequenceNumber: encodeSequenceNumber(first) },
    }
  })
}
