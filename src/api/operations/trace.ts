import * as v from 'valibot'
import { PipelineError } from '../../core/index.ts'
import { withoutBytes } from '../../engine/index.ts'
import { traceKeyOf, traceRecords } from '../../platform/index.ts'
import { integer, operation } from './operation.ts'

/** What became of a record, or of one that is not there. */
export const traceOperations = {
  traceRecord: operation(
    {
      record: v.exactOptional(v.string()),
      sequenceNumber: v.exactOptional(v.string()),
      stream: v.exactOptional(v.string()),
    },
    async ({ platform, signal }, { record, sequenceNumber, stream }) => {
      if ((record === undefined) === (sequenceNumber === undefined))
        throw new PipelineError('REQUEST_INVALID', 'traceRecord takes one of record and sequenceNumber')
      const handle =
        record === undefined
          ? { sequenceNumber: sequenceNumber ?? '', ...(stream !== undefined && { stream }) }
          : { record }
      return readable(await traceRecords(platform, handle, signal))
    },
  ),

  traceKey: operation(
    { key: v.string(), dataset: v.exactOptional(v.string()) },
    async ({ platform, signal }, { key, dataset }) =>
      readable(await traceKeyOf(platform, key, dataset, signal)),
  ),

  refusals: operation({ limit: integer(1) }, async ({ platform: { refusals } }, { limit }) => ({
    newest: await refusals.newest(limit),
    ...refusals.totals(),
  })),
} as const

/** Without bytes, which JSON has not. */
function readable<T>(told: T): T {
  return withoutBytes(told) as T
}
