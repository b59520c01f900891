/** All that a data folder answers, in one text. */
import { createHash } from 'node:crypto'
import { type Platform, runSql, verifyPlatform } from '../../../src/platform/index.ts'

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
  // Where a record was read, from log or lake, shows in its times and key.
  const parts = [
    `SELECT 'stream' AS kind, * FROM stream.thing`,
    `SELECT 'batch' AS kind, * FROM batch.thing`,
    `SELECT 'bad' AS kind, * EXCLUDE (key, headers, timestamp, append_time) FROM quarantine.thing`,
  ]
  const { rows } = await runSql(platform, parts.join(' UNION ALL BY NAME '), 'batch')
  answers.push(...rows.map((row) => JSON.stringify(row)).sort())
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
