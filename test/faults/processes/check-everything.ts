import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { CleaningPath } from '../../../src/clean/index.ts'
import { wholeAnswer } from '../../../src/cli/whole-answer.ts'
import { Broken } from '../campaign.ts'
import { checkSame, type Expected, expectedOf, orderOf } from './account.ts'
import { checkAnswers, checkHistory } from './checks.ts'
import type { DeltaRs } from './delta-rs.ts'
import { type DatasetName, datasets, markColumn, markIn } from './records.ts'
import type { Subject } from './subject.ts'

/**
 * Everything that was ever sent is where it must be: in the log, in the epoch log's order, and for stream and batch in
 * exactly one of rows, duplicates and quarantine. Ends the platform.
 *
 * @returns the number of records
 */
export async function checkEverything(subject: Subject, deltaRs: DeltaRs | undefined): Promise<number> {
  await subject.load.stop()
  await subject.load.drain()
  const { verify, account } = await subject.ask('runBatch', {})
  if (!verify.ok) throw new Broken(`verify: ${JSON.stringify(verify.checks.filter(({ ok }) => !ok))}`)
  const readings = await subject.readAll()
  checkHistory(subject)
  checkAnswers(subject)

  // delta-rs follows links of the process file system to where they do not lead it.
  const tables = join(subject.place.beside, 'tables')
  cpSync(join(subject.place.outside, 'tables'), tables, { recursive: true })
  const ordered = orderOf(subject.place.outside, readings)
  const all = new Map<string, Expected>()
  for (const dataset of datasets) {
    const expected = expectedOf(dataset, ordered)
    all.set(dataset, expected)
    for (const path of ['stream', 'batch'] as const) {
      const { duplicates } = account[dataset]![path]
      if (duplicates !== expected.duplicates)
        throw new Broken(`${path}.${dataset}: ${duplicates} duplicates, not ${expected.duplicates}`)
      if (deltaRs) await checkByDeltaRs(deltaRs, tables, dataset, path, expected)
    }
  }
  await checkByQuery(subject, all)
  await endInOrder(subject)
  return ordered.size
}

/** As the platform's own queries show it. */
async function checkByQuery(subject: Subject, expected: ReadonlyMap<string, Expected>): Promise<void> {
  const tables = datasets.flatMap((dataset) =>
    (['stream', 'batch'] as const).map((path) => ({ dataset, path })),
  )
  const ask = async (text: (table: (typeof tables)[number]) => string) => {
    const asked = { sql: tables.map(text).join(' UNION ALL '), from: 'stream' as const }
    const { rows } = await wholeAnswer((onItem) => subject.ask('sql', asked, onItem))
    return Map.groupBy(
      rows.map((row) => Object.values(row)),
      ([table]) => String(table),
    )
  }
  const rows = await ask(
    ({ dataset, path }) =>
      `SELECT '${path}.${dataset}', ind, ${markColumn[dataset]} FROM ${path}."${dataset}"`,
  )
  const columns = placeColumns.map((name) => `"${name}"`).join(', ')
  const bad = await ask(
    ({ dataset, path }) =>
      `SELECT '${path}.${dataset}', ${columns} FROM quarantine."${dataset}" WHERE path = '${path}'`,
  )
  const of = (found: Map<string, unknown[][]>, table: string) =>
    (found.get(table) ?? []).map((row) => row.slice(1))
  for (const { dataset, path } of tables) {
    const table = `${path}.${dataset}`
    const found = { rows: of(rows, table), bad: of(bad, table) }
    compare(`${table} as queries show it`, dataset, expected.get(dataset)!, found)
  }
}

async function checkByDeltaRs(
  deltaRs: DeltaRs,
  tables: string,
  dataset: DatasetName,
  path: CleaningPath,
  expected: Expected,
) {
  const rows = await deltaRs.rows(join(tables, path, dataset), ['ind', markColumn[dataset]])
  const bad = await deltaRs.rows(join(tables, 'quarantine', path, dataset), placeColumns)
  compare(`${path}.${dataset} as delta-rs shows it`, dataset, expected, { rows, bad })
}

const placeColumns = ['topic', 'partition', 'offset', 'reason']

function compare(
  table: string,
  dataset: DatasetName,
  expected: Expected,
  { rows, bad }: { rows: unknown[][]; bad: unknown[][] },
): void {
  const lines = rows.map(([ind, mark]) => `${ind} ${markIn(dataset, String(mark))}`)
  checkSame(table, expected.rows, lines)
  checkSame(
    `the quarantine of ${table}`,
    expected.quarantine,
    bad.map((row) => row.join(' ')),
  )
}

async function endInOrder(subject: Subject): Promise<void> {
  const { server } = subject
  server.child.kill('SIGTERM')
  await subject.end()
  if (subject.exit.code !== 0)
    throw new Broken(`after SIGTERM it ended with ${JSON.stringify(subject.exit)}: ${server.stderr()}`)
}
