import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { expect, onTestFinished, test } from 'vitest'
import type { PipelineError } from '../../../src/core/index.ts'
import { openLog, temporaryFolder } from './support.ts'

/** A volume whose space is taken and freed. */
function volume(): { isFull: boolean } {
  const state = { isFull: false }
  const { statfsSync } = fs
  fs.statfsSync = ((path: string) => ({
    ...statfsSync(path),
    ...(state.isFull && { bavail: 0 }),
  })) as typeof statfsSync
  syncBuiltinESMExports()
  onTestFinished(() => {
    fs.statfsSync = statfsSync
    syncBuiltinESMExports()
  })
  return state
}

test('a volume that is full for a moment while a new segment waits refuses what came then, and no more', async () => {
  const space = volume()
  const fatal: PipelineError[] = []
  const log = await openLog(await temporaryFolder(), {
    segmentBytes: 2 ** 16,
    onFatal: (error) => fatal.push(error),
  })
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  const records = [{ key: null, value: Buffer.alloc(100_000, 65) }]
  const append = () => log.append({ topic: 't', partition: 0, records })
  const appends = [append(), append()]
  space.isFull = true
  appends.push(append())
  space.isFull = false
  const outcomes = await Promise.allSettled(appends)
  const full = { status: 'rejected', reason: expect.objectContaining({ code: 'LOG_FULL' }) }
  expect(outcomes.slice(1)).toEqual([full, full])
  await expect.poll(() => log.refusal).toBeUndefined()
  expect(fatal).toEqual([])
  const { baseOffset } = await append()
  expect(baseOffset).toBeGreaterThan(0)
})
