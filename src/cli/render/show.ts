import type { GlobalOptions } from '../settings.ts'
import { answerTable } from './answer-table.ts'

/** Print a result: with `--json` as one document, else as a table of rows. */
export function show(options: GlobalOptions, json: unknown, rows: () => Record<string, unknown>[]): void {
  const shown = options.json ? [] : rows()
  if (options.json) console.log(JSON.stringify(json, null, 2))
  else console.log(shown.length === 0 ? 'none' : answerTable(shown))
}
