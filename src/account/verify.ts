/**
 * Proof that the account closes. Raw lake and epoch log are read here by plain means of their own (files, lines,
 * checksums), not by the code that wrote them; tables are counted by SQL.
 */
import { cleaningPaths } from '../clean/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { PipelineParts } from '../query/index.ts'
import type { DatasetAccount } from './account.ts'
import { type Check, guarded, type History, type Landed } from './check.ts'
import { checkEpochs, checkLake, checkLog } from './check-lake.ts'
import { checkAgreement, checkPair } from './check-tables.ts'

export interface Verification {
  ok: boolean
  checks: Check[]
  accounts: Record<string, DatasetAccount>
}

/** Recount everything. Damage is a failed check, not an error. */
export async function verify(parts: PipelineParts): Promise<Verification> {
  const checks: Check[] = []
  const history = await guarded('epoch log', checks, () => checkEpochs(parts, checks))
  if (!history) return { ok: false, checks, accounts: {} }
  await guarded('log', checks, () => checkLog(parts, history, checks))
  const landed = await checkLake(parts, history, checks)
  const accounts: Record<string, DatasetAccount> = {}
  for (const dataset of parts.pipeline.datasets) {
    const account = countDataset(dataset, history, landed)
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

/** What the log has taken in by the epoch log, beside what lies in the lake by its lines. */
function countDataset({ topics }: Dataset, history: History, landed: Landed): DatasetAccount {
  const names = new Set(topics.map(({ name }) => name))
  const ends = history.ends.filter(({ topic }) => names.has(topic))
  const sum = (member: 'records' | 'lost' | 'skipped') => ends.reduce((total, end) => total + end[member], 0)
  const ofTopics = (counts: ReadonlyMap<string, number>) =>
    [...names].reduce((total, name) => total + (counts.get(name) ?? 0), 0)
  const notTaken = ofTopics(history.notTaken)
  const notLanded = history.takes
    .filter(({ land }) => land === undefined || land > landed.land)
    .flatMap(({ ranges }) => ranges)
    .reduce((total, { topic, count }) => total + (names.has(topic) ? count : 0), 0)
  return {
    appended: sum('records') + sum('lost') + sum('skipped') + notTaken,
    landed: ofTopics(landed.lines),
    waiting: notTaken + notLanded,
    skipped: sum('skipped'),
    lost: sum('lost'),
  }
}
