import { appendRecords, quarantineHeader } from '../../append.ts'
import { defineAction } from '../action.ts'
import { placeEntry } from '../entry.ts'
import { hashKey, partitionKey, streamArn, streamName } from '../shape.ts'
import { placeOf, streamOf } from '../stream.ts'

/** Each record has its own fate: those a shard did not take are marked, to be sent again. */
export const putRecords = defineAction(
  {
    type: 'Structure',
    members: {
      Records: {
        type: 'List',
        required: true,
        lengthMin: 1,
        lengthMax: 500,
        of: {
          type: 'Structure',
          className: 'PutRecordsRequestEntry',
          members: {
            PartitionKey: { ...partitionKey, required: true },
            ExplicitHashKey: hashKey,
            Data: { type: 'Blob', required: true },
          },
        },
      },
      StreamARN: streamArn,
      StreamName: streamName,
    },
  },
  async (input, context) => {
    const stream = streamOf(context, input)
    const placed = input.Records.map((entry) => placeEntry(context, stream, entry))
    const outcomes = await appendRecords(context, stream.name, placed)
    const records = outcomes.map((outcome) =>
      outcome.kind === 'appended'
        ? placeOf(stream, outcome)
        : { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal service failure.' },
    )
    return {
      output: {
        FailedRecordCount: outcomes.filter(({ kind }) => kind === 'failed').length,
        Records: records,
      },
      headers: quarantineHeader(context, stream.name, placed, outcomes),
    }
  },
)
