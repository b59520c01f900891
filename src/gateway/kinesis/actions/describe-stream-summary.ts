import { defineAction } from '../action.ts'
import { streamArn, streamName } from '../shape.ts'
import { streamOf, streamSettings, streamSummary } from '../stream.ts'

export const describeStreamSummary = defineAction(
  { type: 'Structure', members: { StreamARN: streamArn, StreamName: streamName } },
  (input, context) => {
    const stream = streamOf(context, input)
    return {
      output: {
        StreamDescriptionSummary: {
          ...streamSummary(context, stream),
          ...streamSettings,
          OpenShardCount: stream.partitions,
          ConsumerCount: 0,
        },
      },
    }
  },
)
