import type { Pipeline } from '../pipeline/index.ts'
import type { Report } from '../platform/index.ts'
import { answerTable } from './render/answer-table.ts'
import { type Column, table } from './render/table.ts'

/** Rows of an answer that are shown before it is cut. */
const rowsShown = 10

/** The account and the answers as a person wants to read them. */
export function printReport(
  done: Report,
  pipeline: Pipeline,
  { data, stdout }: { data: string; stdout: NodeJS.WritableStream },
): void {
  const print = (text = '') => stdout.write(`${text}\n`)
  print()
  print('What became of the records')
  print(table(accountColumns, accountRows(done)))
  print('read = rows + duplicates + quarantined, as a stream and as a batch')
  for (const { name, title } of pipeline.questions) {
    const rows = done.answers[name] ?? []
    print()
    print(`${name}  ${title}`)
    const failed = done.unanswered?.[name]
    if (failed !== undefined) print(`   not answered: ${failed}`)
    else print(rows.length === 0 ? '   no rows' : answerTable(rows.slice(0, rowsShown)))
    if (rows.length > rowsShown)
      print(`   … and ${rows.length - rowsShown} more: npx pinflow ask ${name} --data ${data}`)
  }
  print()
  printVerification(done.verify, print)
  print(`Done in ${(done.seconds.total ?? 0).toFixed(1)} s. Everything is in ${data}`)
  const [dataset] = pipeline.datasets
  print(
    `Look further:  npx pinflow sql --data ${data} "SELECT reason, count(*) FROM quarantine.${dataset?.name} GROUP BY ALL"`,
  )
}

/** Failed checks each, or how many held. */
export function printVerification({ ok, checks }: Report['verify'], print: (text: string) => void): void {
  const failed = checks.filter((check) => !check.ok)
  for (const { name, detail } of failed) print(`FAILED  ${name}: ${detail}`)
  print(
    ok
      ? `Verified: all ${checks.length} checks hold.`
      : `${failed.length} of ${checks.length} checks FAILED.`,
  )
}

const accountColumns: Column[] = [
  'dataset',
  'sent',
  'acknowledged',
  'appended',
  'landed',
  'path',
  'read',
  'rows',
  'duplicates',
  'quarantined',
].map((name) => ({ name, right: name !== 'dataset' && name !== 'path' }))

function accountRows({ account }: Report): string[][] {
  return Object.entries(account).flatMap(
    ([dataset, { sent, acknowledged, appended, landed, stream, batch }]) => {
      const both = [dataset, number(sent), number(acknowledged), number(appended), number(landed)]
      const path = (name: string, counts: typeof stream) => [
        name,
        ...[counts.read, counts.rows, counts.duplicates, counts.quarantined].map(number),
      ]
      return [
        [...both, ...path('stream', stream)],
        ['', '', '', '', '', ...path('batch', batch)],
      ]
    },
  )
}

function number(value: number | null): string {
  return value === null ? '' : value.toLocaleString('en-US')
}
