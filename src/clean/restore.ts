import { PipelineError } from '../core/index.ts'
import { type DeltaTable, decodePath, type Snapshot } from '../table/index.ts'
import { type Account, generationOf, recordsOf } from './pair-state.ts'
import type { RestorePoint, TablePair } from './table-pair.ts'

/** What to restore a pair to: the newest version at or before an epoch, or a time in milliseconds since 1970. */
export type RestoreTarget = { epoch: number } | { timeMs: number }

/** What the commit of a version says of it. */
interface Told {
  version: number
  timestampMs: number
  epoch: number
  generation: number
  account: Account
}

/**
 * The versions of a pair that a restore leads to: everything it needs is still there.
 *
 * @throws TABLE_VERSION_UNKNOWN
 */
export async function restorePoint(
  pair: Pick<TablePair, 'data' | 'quarantine'>,
  name: string,
  target: RestoreTarget,
): Promise<RestorePoint> {
  const told = await newestToldFirst(pair.data)
  const isBefore = ({ epoch, timestampMs }: Told): boolean =>
    'epoch' in target ? epoch <= target.epoch : timestampMs <= target.timeMs
  const found = told.find(isBefore)
  if (!found) throw unknown(`${name} has no version at or before ${textOf(target)}; ${oldestOf(told)}`)
  const data = await pair.data.snapshot(found.version)
  if (!data) throw unknown(`${name} has no version ${found.version}`)
  const quarantine = await quarantineAt(pair.quarantine, name, found)
  await refuseUnlessThere(pair.data, data)
  await refuseUnlessThere(pair.quarantine, quarantine)
  return { data, quarantine }
}

/** Versions of a table that tell their epoch, newest first. */
async function newestToldFirst(table: DeltaTable): Promise<Told[]> {
  const told: Told[] = []
  for await (const { version, timestampMs, actions } of table.commits()) {
    const info = actions.find((action) => 'commitInfo' in action)
    const carried = info && (info.commitInfo.pinflow as (Account & Told) | undefined)
    if (!carried) continue
    const { epoch, generation } = carried
    told.push({ version, timestampMs, epoch, generation, account: carried })
  }
  return told.reverse()
}

/**
 * The quarantine that belongs to a version of the data table: of its generation, and with every record that it counts.
 * The newest that is not ahead of it, where that is complete; else the first that is at its epoch or ahead.
 */
async function quarantineAt(table: DeltaTable, name: string, data: Told): Promise<Snapshot> {
  const told = (await newestToldFirst(table)).filter(({ generation }) => generation === data.generation)
  for (const { version } of told.filter(({ epoch }) => epoch <= data.epoch).slice(0, 1)) {
    const snapshot = await table.snapshot(version)
    if (snapshot && recordsOf(snapshot) === data.account.quarantined) return snapshot
  }
  const ahead = told.findLast(({ epoch }) => epoch >= data.epoch)
  const snapshot = ahead && (await table.snapshot(ahead.version))
  if (snapshot && generationOf(snapshot) === data.generation) return snapshot
  throw unknown(`the quarantine of ${name} has no version for epoch ${data.epoch} any more`)
}

/** @throws TABLE_VERSION_UNKNOWN when files of a version were deleted since */
async function refuseUnlessThere({ store, prefix }: DeltaTable, { version, files }: Snapshot): Promise<void> {
  const there = new Set((await store.list(`${prefix}/`)).map(({ key }) => key))
  const missing = [...files.values()].filter(({ path }) => !there.has(`${prefix}/${decodePath(path)}`))
  if (missing.length === 0) return
  const count = `${missing.length} of its ${files.size} files`
  throw unknown(`version ${version} of ${prefix} cannot be restored: ${count} were deleted by vacuum`)
}

function oldestOf(told: readonly Told[]): string {
  const oldest = told.at(-1)
  if (!oldest) return 'no commit is kept'
  return `the oldest kept is of epoch ${oldest.epoch}, ${new Date(oldest.timestampMs).toISOString()}`
}

function textOf(target: RestoreTarget): string {
  return 'epoch' in target ? `epoch ${target.epoch}` : new Date(target.timeMs).toISOString()
}

function unknown(message: string): PipelineError {
  return new PipelineError('TABLE_VERSION_UNKNOWN', message)
}
