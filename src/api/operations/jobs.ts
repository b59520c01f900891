import { report, Stopwatch, verifyPlatform } from '../../platform/index.ts'
import { operation } from './operation.ts'

/** What the platform is at, and work done at once. */
export const jobOperations = {
  status: operation({}, async ({ platform }) => ({
    pipeline: platform.pipeline.name,
    workers: platform.states(),
    refusals: platform.refusals.totals(),
  })),

  verify: operation({}, ({ platform }) => verifyPlatform(platform)),

  runBatch: operation({}, async ({ platform, emit, signal }) => {
    const seconds = new Stopwatch()
    // What stands in the way of one dataset is said once the others are done.
    const failures: unknown[] = []
    await platform.settle(Number.POSITIVE_INFINITY, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      failures.push(error)
    })
    seconds.lap('settle')
    await platform
      .runBatch(() => void emit({ step: 'batch' }))
      .catch((error: unknown) => void failures.push(error))
    seconds.lap('batch')
    if (failures.length > 0) throw failures[0]
    return report(platform, { seconds })
  }),
} as const
