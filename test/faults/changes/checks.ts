import { wholeAnswer } from '../../../src/cli/whole-answer.ts'
import type { Acknowledged, Load } from '../../e2e/load.ts'
import { Broken } from '../campaign.ts'
import type { Site } from './site.ts'

/** Rows as the stream and the batch have them, and the account, hold every acknowledged record once. @returns records */
export async function checkEverything(
  site: Site,
  { acknowledged }: Load,
  datasets: readonly string[],
): Promise<number> {
  const places = new Set(
    acknowledged.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`),
  )
  if (places.size < acknowledged.length)
    throw new Broken('an offset was given out twice', { double: acknowledged.length - places.size })
  const { verify } = await site.ask('runBatch', {})
  const failed = verify.checks.filter(({ ok }) => !ok)
  if (failed.length > 0) throw new Broken(`verify: ${JSON.stringify(failed)}`)
  const { accounts } = await site.ask('verify', {})
  for (const dataset of datasets) {
    const { skipped = 0, lost = 0 } = accounts[dataset] ?? {}
    if (lost > 0) throw new Broken(`${lost} records of ${dataset} are counted as lost`, { lost })
    const sent = acknowledged.filter(({ topic }) => topic.endsWith(dataset))
    for (const path of ['stream', 'batch'] as const) {
      const missing = await missingFrom(site, path, dataset, sent)
      // Those are of a topic that was deleted before it was taken whole.
      if (missing.length > skipped) {
        const [first] = missing
        const place = `${first?.topic} ${first?.offset}`
        throw new Broken(`${missing.length} records of ${path}.${dataset} are nowhere, such as ${place}`, {
          lost: missing.length - skipped,
        })
      }
    }
  }
  return acknowledged.length
}

async function missingFrom(site: Site, from: 'stream' | 'batch', dataset: string, sent: Acknowledged[]) {
  const ask = (sql: string) => wholeAnswer((onItem) => site.ask('sql', { sql, from }, onItem))
  const { rows } = await ask(`SELECT ind FROM ${from}."${dataset}"`)
  const held = new Set(rows.map(({ ind }) => Number(ind)))
  if (held.size < rows.length)
    throw new Broken(`${from}.${dataset} has a key twice`, { double: rows.length - held.size })
  const sql = `SELECT topic || ' ' || "offset" AS place FROM quarantine."${dataset}" WHERE path = '${from}'`
  const bad = await ask(sql)
  const quarantined = new Set(bad.rows.map(({ place }) => place))
  if (quarantined.size < bad.rows.length) {
    const double = bad.rows.length - quarantined.size
    throw new Broken(`the quarantine of ${from}.${dataset} has a record twice`, { double })
  }
  return sent.filter(({ topic, offset, value }) => {
    const { index, ind = index } = JSON.parse(value) as { index?: number; ind?: number }
    return !held.has(Number(ind)) && !quarantined.has(`${topic} ${offset}`)
  })
}
