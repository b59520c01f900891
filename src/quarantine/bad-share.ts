import type { Account } from '../clean/index.ts'
import type { DeltaTable } from '../table/index.ts'

/** How many of the newest records are bad. */
export interface BadShare {
  /** Records that were looked at. */
  records: number
  bad: number
}

/** Cumulative counts after a commit, of one generation. */
type Counted = Pick<Account, 'read' | 'quarantined'> & { generation: number }

/** How many of the newest records count. */
const window = 1_000
/** Of fewer nothing is said. */
const recordsMin = 100
/** How far back commits are read for them. */
const commitsMax = 100

/**
 * The share of bad records among the newest 1,000 of a table, from the counts that its commits carry: it costs nothing
 * but to be told them. Between two counts bad records are taken to be spread evenly.
 */
export class ShareWatch {
  /** Rising; the first is the beginning of the window, or before it. Empty until something was observed. */
  #counted: Counted[] = []

  /** @param counted as a commit carries it, or the same again */
  observe({ generation, read, quarantined }: Counted): void {
    const last = this.#counted.at(-1)
    // A rebuild, or a restore, begins anew.
    if (last?.generation !== generation || last.read > read)
      this.#counted = [{ generation, read: 0, quarantined: 0 }]
    if (this.#counted.at(-1)?.read !== read) this.#counted.push({ generation, read, quarantined })
    while ((this.#counted[1]?.read ?? read) <= read - window) this.#counted.shift()
  }

  /** Whether anything was observed. */
  get isBegun(): boolean {
    return this.#counted.length > 0
  }

  get share(): BadShare {
    const [first, next] = this.#counted
    const last = this.#counted.at(-1)
    if (!first || !next || !last) return { records: 0, bad: 0 }
    const records = Math.min(window, last.read)
    const part = (last.read - records - first.read) / (next.read - first.read)
    const before = first.quarantined + part * (next.quarantined - first.quarantined)
    return { records, bad: Math.round(last.quarantined - before) }
  }

  /** Whether more than so many per cent are bad. */
  isAbove(percent: number): boolean {
    const { records, bad } = this.share
    return percent < 100 && records >= recordsMin && bad * 100 > records * percent
  }
}

/** Begin with what the newest commits of a data table say. */
export async function beginWatch(watch: ShareWatch, table: DeltaTable): Promise<void> {
  const commits = await table.history(commitsMax)
  for (const { commitInfo } of commits.reverse()) {
    const told = commitInfo?.pinflow as Counted | undefined
    if (told) watch.observe({ generation: told.generation, read: told.read, quarantined: told.quarantined })
  }
}

export function shareText({ records, bad }: BadShare): string {
  const percent = records === 0 ? 0 : Math.floor((100 * bad) / records)
  return `${bad} of the newest ${records} records are bad (${percent} %)`
}
