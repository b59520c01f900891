import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from '../../../src/platform/index.ts'
import { Broken } from '../campaign.ts'
import type { Subject } from './subject.ts'
import type { Tally } from './tally.ts'

/** What the platform keeps below, without a word in its configuration. */
export const capBytes = 512 * 2 ** 20

/** Within this the platform has noticed that somebody left. */
const leavingMsMax = 10_000

/** @throws Broken */
export function checkMemory(subject: Subject): void {
  if (!subject.alive) throw new Broken(`the platform has ended: ${subject.stderr.slice(-2_000)}`)
  if (subject.peakBytes <= capBytes) return
  throw new Broken(`it took ${mebibytes(subject.peakBytes)} MiB of memory, the cap is ${mebibytes(capBytes)}`)
}

/**
 * Let everything through, and hold what was acknowledged against what the platform counts.
 *
 * @returns records of all datasets
 * @throws Broken
 */
export async function checkAccount(subject: Subject, tally: Tally): Promise<number> {
  const { account, verify } = await batchOf(subject)
  const failed = verify.checks.find(({ ok }) => !ok)
  if (failed) throw new Broken(`verify: ${failed.name}: ${failed.detail}`)
  let records = 0
  for (const [dataset, counted] of Object.entries(account)) {
    const { appended } = counted
    const acknowledged = tally.acknowledged.get(dataset) ?? 0
    const possible = acknowledged + (tally.unanswered.get(dataset) ?? 0)
    if (appended < acknowledged)
      throw new Broken(`${dataset}: ${acknowledged} acknowledged, ${appended} in the log`, {
        lost: acknowledged - appended,
      })
    if (appended > possible)
      throw new Broken(`${dataset}: ${possible} were sent and not refused, ${appended} are in the log`, {
        double: appended - possible,
      })
    for (const path of ['stream', 'batch'] as const) {
      const { read, rows, duplicates, quarantined } = counted[path]
      const fates = rows + duplicates + quarantined
      if (read !== appended || fates !== appended)
        throw new Broken(
          `${path}.${dataset}: ${appended} in the log, ${read} read, ${fates} came to something`,
          {
            lost: Math.max(0, appended - fates),
            double: Math.max(0, fates - appended),
          },
        )
    }
    records += appended
  }
  return records
}

/** Run a batch; those who left a moment ago may still be counted among those who ask. */
async function batchOf(subject: Subject): Promise<Report> {
  for (const until = performance.now() + leavingMsMax; ; await sleep(100)) {
    try {
      return await subject.call<Report>('runBatch')
    } catch (error) {
      if (!String(error).includes('OVERLOADED') || performance.now() > until) throw error
    }
  }
}

export function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
