/** What a data table and its quarantine say of themselves, and of the pair they are. */
import { PipelineError } from '../core/index.ts'
import type { DeltaTable, Snapshot } from '../table/index.ts'

export type CleaningPath = 'stream' | 'batch'
export const cleaningPaths: readonly CleaningPath[] = ['stream', 'batch']

/** What has become of the records of a dataset so far: `read = rows + duplicates + quarantined`. */
export interface Account {
  read: number
  rows: number
  duplicates: number
  quarantined: number
  /** Of the records read, how many were unwrapped from a string or base64. */
  unwrapped: number
}

export const emptyAccount: Account = { read: 0, rows: 0, duplicates: 0, quarantined: 0, unwrapped: 0 }

/** What of the epoch log a table was made from, beside the number of an epoch. */
export interface Origin {
  /** When its last epoch was taken: another history has another epoch of that number. */
  epochTimeMs?: number
  /** How many voids the epoch log had: those that came later are not left out. */
  voids?: number
}

export interface PairState {
  data: Snapshot
  quarantine: Snapshot
  generation: number
  dataEpoch: number
  quarantineEpoch: number
  account: Account
  origin: Origin
  /** Id of the epoch log that both are of; undefined where they are of two. */
  epochLogId: string | undefined
  /** Definition the pair was made by. */
  definition: string
  /** The generations differ, and not by a restore: only a rebuild may commit. */
  rebuilding: boolean
  /** The quarantine was restored for this version of the data table, which is yet to be: only that may commit. */
  restoring: number | undefined
  /** The epoch that a restore has led to, where cleaning stands still until it is resumed. */
  pausedAt: number | undefined
}

/** Keys of a table's configuration. */
export const keys = {
  epochLog: 'pinflow.epochLog',
  generation: 'pinflow.generation',
  definition: 'pinflow.definition',
  /** Of a data table: the epoch at which its cleaning is paused. */
  paused: 'pinflow.paused',
  /** Of a quarantine table: the version of the data table that it was restored for. */
  restore: 'pinflow.restore',
} as const

export function generationOf({ metaData }: Snapshot): number {
  return Number(metaData.configuration[keys.generation] ?? 0)
}

/** The epoch that a data table has reached in its generation. */
export function epochOf(snapshot: Snapshot): number {
  const own = [...snapshot.txns].filter(([appId]) => {
    const [owner, , generation, , , suffix] = appId.split('/')
    return owner === 'pinflow' && generation === String(generationOf(snapshot)) && suffix === undefined
  })
  return Math.max(0, ...own.map(([, version]) => version))
}

/** The definition that a table was made by. */
export function definitionOf({ metaData }: Snapshot): string {
  return metaData.configuration[keys.definition] ?? ''
}

export function nextGeneration({ data, quarantine }: Pick<PairState, 'data' | 'quarantine'>): number {
  return 1 + Math.max(generationOf(data), generationOf(quarantine))
}

/** Where cleaning of a data table is paused; undefined where it is not. */
export function pausedAtOf({ metaData }: Snapshot): number | undefined {
  const paused = metaData.configuration[keys.paused]
  return paused === undefined ? undefined : Number(paused)
}

/** The account of a data table at a version. */
export async function accountOf(table: DeltaTable, snapshot: Snapshot): Promise<Account> {
  const { read, rows, duplicates, quarantined, unwrapped } = await statedOf(table, snapshot)
  return { read, rows, duplicates, quarantined, unwrapped }
}

/** What the last commit of a data table that carries an account says. @throws TABLE_DAMAGED */
export async function statedOf(
  table: DeltaTable,
  { version, commitInfo }: Pick<Snapshot, 'version' | 'commitInfo'>,
): Promise<Account & Origin> {
  let info = commitInfo
  for (let at = version; at >= 0; at--) {
    if (at < version) info = await table.commitInfo(at)
    const carried = info?.pinflow as (Account & Origin) | undefined
    if (carried) return carried
  }
  throw new PipelineError('TABLE_DAMAGED', `no commit of the table at ${table.prefix} carries an account`)
}

/** Records of a table, by the statistics of its files. */
export function recordsOf({ files }: Snapshot): number {
  let records = 0
  for (const { stats } of files.values())
    if (stats !== undefined) records += (JSON.parse(stats) as { numRecords?: number }).numRecords ?? 0
  return records
}
