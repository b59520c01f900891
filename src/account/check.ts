import { messageOf } from '../core/index.ts'
import type { End, LandEntry } from '../lake/index.ts'

export interface Check {
  name: string
  ok: boolean
  /** What was compared, with the figures. */
  detail: string
}

/** What the epoch log says at one moment, and what the log holds beyond it. */
export interface History {
  lands: LandEntry[]
  /** Every take in order, with the number of its land. */
  takes: { epoch: number; land?: number; ranges: LandEntry['takes'][number]['ranges'] }[]
  ends: End[]
  /** Records that no take names yet, by topic. */
  notTaken: ReadonlyMap<string, number>
}

/** What the raw lake holds. */
export interface Landed {
  /** Lines by topic. */
  lines: ReadonlyMap<string, number>
  /** The newest land that is there. */
  land: number
}

/** Run a part of the verification; what it throws is a failed check of this name. */
export async function guarded<T>(
  name: string,
  checks: Check[],
  action: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await action()
  } catch (error) {
    checks.push({ name, ok: false, detail: messageOf(error) })
    return undefined
  }
}
