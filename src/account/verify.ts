/**
 * Proof that the account closes. Raw lake and epoch log are read here by plain means of their own (files, lines,
 * checksums), not by the code that wrote them; tables are counted by SQL.
 */
import { cleaningPaths } from '../clean/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { DatasetAccount } from './account.ts'
import { type Check, guarded, type VerifyParts } from './check.ts'
import { checkEpochs, checkLake, checkLog } from './check-lake.ts'
import { checkAgreement, checkPair } from './check-tables.ts'

export interface Verification {
  ok: boolean
  checks: Check[]
  accounts: Record<string, DatasetAccount>
}

/** Recount everything. Damage is a failed check, not an error. */
export async function verify(parts: VerifyParts): Promise<Verification> {
  const checks: Check[] = []
  const history = await checkEpochs(parts, checks)
  await checkLog(parts, checks)
  const landed = await checkLake(parts, history, checks)
  const accounts: Record<string, DatasetAccount> = {}
  for (const dataset of parts.pipeline.datasets) {
    const account = countDataset(parts, dataset, landed)
    accounts[dataset.name] = account
    const { appended, waiting, skipped, lost } = account
    checks.push({
      name: `${dataset.name}: appended = landed + waiting + skipped + lost`,
      ok: appended === account.landed + waiting + skipped + lost,
      detail: `${appended} = ${account.landed} + ${waiting} + ${skipped} + ${lost}`,
    })
    for (const path of cleaningPaths) {
      const counted = await guarded(`${path}.${dataset.name}`, checks, () =>
        checkPair(parts, dataset, path, history, checks),
      )
      if (counted) account[path] = counted
    }
    await guarded(`${dataset.name}: stream = batch`, checks, () =>
      checkAgreement(parts, dataset, history, checks),
    )
  }
  return { ok: checks.every(({ ok }) => ok), checks, accounts }
}

function countDataset(
  { log, epochs }: VerifyParts,
  { topics }: Dataset,
  landed: ReadonlyMap<string, number>,
): DatasetAccount {
  const names = new Set(topics.map(({ name }) => name))
  const ends = epochs.ends().filter(({ topic }) => names.has(topic))
  const sum = (member: 'records' | 'lost' | 'skipped') => ends.reduce((total, end) => total + end[member], 0)
  const inLake = [...names].reduce((total, name) => total + (landed.get(name) ?? 0), 0)
  let notTaken = 0
  for (const { name, partitions } of log.topics()) {
    if (!names.has(name)) continue
    for (let partition = 0; partition < partitions; partition++) {
      const from = epochs.position(name, partition)
      if (log.offsets(name, partition).end <= from) continue
      notTaken += log.extent(name, partition, from, { records: Infinity, bytes: Infinity })?.count ?? 0
    }
  }
  const open = epochs.openTakes.flatMap(({ ranges }) => ranges.filter(({ topic }) => names.has(topic)))
  const notLanded = sum('records') - inLake
  return {
    appended: sum('records') + sum('lost') + sum('skipped') + notTaken,
    landed: inLake,
    // What was taken and has not landed is waiting only while an open take, or a land without its marker, names it.
    waiting: notTaken + (open.length > 0 || notLanded > 0 ? notLanded : 0),
    skipped: sum('skipped'),
    lost: sum('lost'),
  }
}
