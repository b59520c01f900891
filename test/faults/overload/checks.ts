import type { Report } from '../../../src/platform/index.ts'
import { Broken } from '../campaign.ts'
import type { Subject } from './subject.ts'
import type { Tally } from './tally.ts'

/** What the platform keeps below, without a word in its configuration. */
export const capBytes = 512 * 2 ** 20

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
  const { account, verify } = await subject.call<Report>('runBatch')
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

export function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
