import { literal, type Session } from '../engine/index.ts'
import type { Dataset } from './pipeline.ts'
import type { SyntaxNode } from './portable.ts'

/**
 * The columns of a clean table that hold just what the raw column of that name held, as far as the cleaning text shows
 * it at a glance; names in lower case. A column that is not among them may be made of anything.
 *
 * @param session any session: the text, which has been checked, is parsed, not bound or run
 */
export async function columnsPassedOn(
  session: Session,
  { sql, schema }: Pick<Dataset, 'sql' | 'schema'>,
): Promise<Set<string>> {
  const [row] = await session.rows(`SELECT json_serialize_sql(${literal(sql)}) AS tree`)
  const { statements } = JSON.parse(String(row?.tree)) as { statements: { node: SyntaxNode }[] }
  const raw = new Set(Object.keys(schema).map((name) => name.toLowerCase()))
  const [statement] = statements
  return statement ? passedOn(statement.node, raw) : new Set()
}

function passedOn(select: SyntaxNode, raw: ReadonlySet<string>): Set<string> {
  const from = select.from_table as SyntaxNode
  const source =
    from.type === 'SUBQUERY' ? passedOn((from.subquery as { node: SyntaxNode }).node, raw) : new Set(raw)
  const kept = new Set<string>()
  const made = new Set<string>()
  for (const item of select.select_list as SyntaxNode[]) {
    if (item.class === 'STAR') {
      for (const name of source) kept.add(name)
      continue
    }
    const own = item.class === 'COLUMN_REF' ? lastName(item) : ''
    const name = String(item.alias).toLowerCase() || own
    if (own === name && source.has(own)) kept.add(name)
    else made.add(name)
  }
  // A name that is given twice could mean either.
  return new Set([...kept].filter((name) => !made.has(name)))
}

function lastName(item: SyntaxNode): string {
  return String((item.column_names as string[]).at(-1)).toLowerCase()
}
