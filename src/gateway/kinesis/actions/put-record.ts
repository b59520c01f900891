import { appendRecords, quarantineHeader } from '../../append.ts'
import { defineAction } from '../action.ts'
import { placeEntry } from '../entry.ts'
import { hashKey, partitionKey, sequenceNumber, streamArn, streamName } from '../shape.ts'
import { placeOf, streamOf } from '../stream.ts'

export const putRecord = defineAction(
  {
    type: 'Structure',
    members: {
      SequenceNumberForOrdering: sequenceNumber,
      PartitionKey: { ...partitionKey, required: true },
      ExplicitHashKey: hashKey,
      Data: { type: 'Blob', required: true },
      StreamARN: streamArn,
      StreamName: streamName,
    },
  },
  async (input, context) => {
    const stream = streamOf(context, input)
    const placed = [placeEntry(context, stream, input)]
    const outcomes = await appendRecords(context, stream.name, placed)
    const [outcome] = outcomes
    if (outcome?.kind !== 'appended') throw outcome?.error
    return {
      output: placeOf(stream, outcome),
      headers: quarantineHeader(context, stream.name, placed, outcomes),
    }
  },
)
