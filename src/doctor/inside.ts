import { existsSync } from 'node:fs'
import { type Account, accountOf } from '../clean/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { Platform } from '../platform/index.ts'
import { newestVersions, type SeenTable } from '../query/index.ts'

/** An open platform, and what several checks ask of it. */
export interface Inside {
  platform: Platform
  /** Whether it takes, lands and cleans; else a command has opened it, to look. */
  isRunning: boolean
  nowMs: number
  /** Every file's checksum, not those of the newest alone. */
  deep: boolean
  /** The newest versions of the tables that can be read. */
  tables: readonly SeenTable[]
  unreadable: readonly { name: string; error: Error & { next: string } }[]
  /** Of each data table by its name: what became of its records so far. */
  accounts: ReadonlyMap<string, Account>
}

export async function lookInside(
  platform: Platform,
  options: { deep: boolean; nowMs: number },
): Promise<Inside> {
  const { seen, unreadable } = await newestVersions(platform.catalog)
  const accounts = new Map<string, Account>()
  for (const { name, kind, table, snapshot } of seen) {
    // Tables that say nothing of their records are told as such by `verify`.
    const account = kind === 'data' && (await accountOf(table, snapshot).catch(() => undefined))
    if (account) accounts.set(name, account)
  }
  return {
    platform,
    // Only who serves others says how to be reached.
    isRunning: existsSync(platform.folder.path('server.json')),
    ...options,
    tables: seen,
    unreadable,
    accounts,
  }
}

/** Records of a dataset's topics that have been taken, by the epoch log. */
export function takenRecords({ platform }: Inside, { topics }: Dataset): number {
  const names = new Set(topics.map(({ name }) => name))
  return platform.epochs.ends().reduce((sum, { topic, records }) => sum + (names.has(topic) ? records : 0), 0)
}
