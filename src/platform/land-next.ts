import { PipelineError } from '../core/index.ts'
import type { EpochLog, Landing } from '../lake/index.ts'
import type { Log } from '../log/index.ts'

/**
 * Bring the land after one into the lake.
 *
 * @returns its number; undefined when there is none
 * @throws LAKE_DAMAGED also when it had landed, its marker is gone, and so are its records
 */
export async function landNext(
  epochs: EpochLog,
  landing: Landing,
  log: Log,
  landed: number,
): Promise<number | undefined> {
  const [next] = await epochs.landsAfter(landed)
  if (next === undefined) return undefined
  try {
    await landing.land(await epochs.landEntry(next), log)
    return next
  } catch (error) {
    const isGone = error instanceof PipelineError && error.code === 'OFFSET_OUT_OF_RANGE'
    if (!isGone) throw error
    const message = `landing ${next} has no marker in the lake, and the log no longer holds its records`
    throw new PipelineError('LAKE_DAMAGED', `${message}: ${error.message}`, { cause: error })
  }
}
