import { messageOf, type ObjectStore } from '../core/index.ts'
import type { EpochLog, LandEntry, Landing } from '../lake/index.ts'
import type { Log } from '../log/index.ts'
import type { Pipeline } from '../pipeline/index.ts'
import type { CatalogTable } from '../query/index.ts'
import type { Engine } from '../table/index.ts'

export interface Check {
  name: string
  ok: boolean
  /** What was compared, with the figures. */
  detail: string
}

export interface VerifyParts {
  pipeline: Pipeline
  log: Log
  lake: ObjectStore
  epochs: EpochLog
  landing: Landing
  catalog: readonly CatalogTable[]
  engine: Engine
}

/** What the epoch log says, as far as it has landed, and what was taken since. */
export interface History {
  lands: LandEntry[]
  /** Every take in order, with the number of its land. */
  takes: { epoch: number; land?: number; ranges: LandEntry['takes'][number]['ranges'] }[]
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
