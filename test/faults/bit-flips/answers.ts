/** All that a data folder answers, in one text. */
import { createHash } from 'node:crypto'
import { type Platform, verifyPlatform } from '../../../src/platform/index.ts'
import { newestVersions } from '../../../src/query/index.ts'
import { scanSql } from '../../../src/table/index.ts'

/** What `verify` finds wrong. */
export class NotVerified extends Error {}

/**
 * Take, land and clean what waits, both ways; verify; and read everything.
 *
 * @throws NotVerified, and what any of it throws
 */
export async function answersOf(platform: Platform): Promise<string> {
  platform.start()
  await platform.settle(0)
  await platform.runBatch()
  const { ok, checks, accounts } = await verifyPlatform(platform)
  if (!ok) throw new NotVerified(JSON.stringify(checks.filter((check) => !check.ok)))
  const answers: unknown[] = [accounts, ...logOf(platform)]
  answers.push(...(await rowsOf(platform)))
  return answers.map((answer) => `${JSON.stringify(answer)}\n`).join('')
}

function* logOf({ log }: Platform): Generator<unknown> {
  const everything = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }
  for (const topic of log.topics()) {
    const { name, partitions, partitioner } = topic
    for (let partition = 0; partition < partitions; partition++) {
      const { start, end } = log.offsets(name, partition)
      const records = log.read(name, partition, start, everything)
      const hash = createHash('sha256')
      for (const { offset, key, value, headers, timestampMs } of records)
        hash.update(JSON.stringify([offset, key, value, headers, timestampMs]))
      yield { name, partition, partitioner, start, end, records: records.length, hash: hash.digest('hex') }
    }
  }
}

/** Every row of every table, read by the engine that cleaned: a query process for each damage would cost more than all else. */
async function rowsOf({ catalog, engine }: Platform): Promise<string[]> {
  const { seen, unreadable } = await newestVersions(catalog)
  if (unreadable[0]) throw unreadable[0].error
  const texts: string[] = []
  for (const { name, kind, table, snapshot } of seen) {
    // Where a record was read, from log or lake, shows in its times and key.
    const columns = kind === 'data' ? '*' : '* EXCLUDE (key, headers, timestamp, append_time)'
    const sql = `SELECT ${columns} FROM ${await scanSql(table.store, table.prefix, snapshot)}`
    const rows = await engine.with((session) => session.rows(sql))
    texts.push(...rows.map((row) => JSON.stringify([name, row])))
  }
  return texts.sort()
}
