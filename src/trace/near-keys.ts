import { cleaningPaths } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { identifier, literal } from '../engine/index.ts'
import { duckDbType, scanSql } from '../table/index.ts'
import { keyText } from './fate.ts'
import type { TracedDataset, Tracer } from './parts.ts'

/** How many are told. */
const count = 4
/** Beyond it the distance of texts is not reckoned. */
const textMax = 64

/** As long as the engine's longest. */
const wholeNumber = /^-?\d{1,38}$/

/** Keys of rows that are near to one that has no row: neighbours of a number, texts that differ in few letters. */
export async function nearKeys(
  tracer: Tracer,
  { dataset }: TracedDataset,
  texts: readonly string[],
): Promise<string[]> {
  for (const path of cleaningPaths) {
    const { table } = tracer.table(dataset.name, path, 'data')
    try {
      const snapshot = await table.snapshot()
      if (!snapshot || snapshot.files.size === 0) continue
      const relation = await scanSql(table.store, table.prefix, snapshot)
      const [column = ''] = dataset.key
      const type = snapshot.schema.find(({ name }) => name === column)?.type ?? 'string'
      const isNumber = dataset.key.length === 1 && wholeNumber.test(texts[0] ?? '') && type !== 'string'
      const sql = isNumber
        ? neighbours(relation, column, `CAST(${literal(texts[0]!)} AS HUGEINT)`)
        : alike(relation, dataset.key, texts, duckDbType('string'))
      const rows = await tracer.parts.engine.with((session) => session.rows(sql))
      return rows.map((row) =>
        keyText(dataset.key.map((name) => ({ column: name, text: String(row[name]) }))),
      )
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
    }
  }
  return []
}

function neighbours(relation: string, column: string, wanted: string): string {
  const name = identifier(column)
  const below = `(SELECT ${name} FROM ${relation} WHERE ${name} < ${wanted} ORDER BY ${name} DESC LIMIT ${count / 2})`
  const above = `(SELECT ${name} FROM ${relation} WHERE ${name} > ${wanted} ORDER BY ${name} LIMIT ${count / 2})`
  return `SELECT * FROM (FROM ${below} UNION ALL FROM ${above}) ORDER BY ${name}`
}

function alike(relation: string, key: readonly string[], texts: readonly string[], text: string): string {
  const names = key.map(identifier)
  const own = `left(concat_ws(',', ${names.map((name) => `CAST(${name} AS ${text})`).join(', ')}), ${textMax})`
  const wanted = literal(texts.join(',').slice(0, textMax))
  const begins = `CASE WHEN starts_with(own, ${wanted}) OR starts_with(${wanted}, own) THEN 0 ELSE 1 END`
  return `SELECT * EXCLUDE (own) FROM (SELECT ${names.join(', ')}, ${own} AS own FROM ${relation})
    ORDER BY levenshtein(own, ${wanted}), ${begins}, own LIMIT ${count}`
}
