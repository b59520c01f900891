import { defineAction } from '../action.ts'
import { streamName } from '../shape.ts'
import { streamSummary, streams } from '../stream.ts'

/** In order of name; a page goes on after the name that the token of the page before holds. */
export const listStreams = defineAction(
  {
    type: 'Structure',
    members: {
      Limit: { type: 'Integer', min: 1, max: 10_000 },
      ExclusiveStartStreamName: streamName,
      NextToken: { type: 'String', lengthMin: 1, lengthMax: 1_048_576 },
    },
  },
  ({ Limit = 100, ExclusiveStartStreamName, NextToken }, context) => {
    const token = NextToken === undefined ? undefined : Buffer.from(NextToken, 'base64url').toString()
    const after = token ?? ExclusiveStartStreamName ?? ''
    const rest = streams(context).filter(({ name }) => name > after)
    const page = rest.slice(0, Limit)
    const more = rest.length > page.length
    return {
      output: {
        StreamNames: page.map(({ name }) => name),
        StreamSummaries: page.map((stream) => streamSummary(context, stream)),
        HasMoreStreams: more,
        ...(more ? { NextToken: Buffer.from(page.at(-1)!.name).toString('base64url') } : {}),
      },
    }
  },
)
