import type { Action } from '../action.ts'
import { createStream } from './create-stream.ts'
import { describeStream } from './describe-stream.ts'
import { describeStreamSummary } from './describe-stream-summary.ts'
import { listStreams } from './list-streams.ts'
import { putRecord } from './put-record.ts'
import { putRecords } from './put-records.ts'

/** The actions served, by the name in X-Amz-Target. */
export const actions: ReadonlyMap<string, Action> = new Map(
  Object.entries({
    CreateStream: createStream,
    DescribeStream: describeStream,
    DescribeStreamSummary: describeStreamSummary,
    ListStreams: listStreams,
    PutRecord: putRecord,
    PutRecords: putRecords,
  }),
)
