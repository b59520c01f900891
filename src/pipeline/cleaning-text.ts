/**
 * What a cleaning text may be: one SELECT over `raw_<dataset>`, or over a subquery of the same kind, that makes one
 * row of one row and always the same, and passes `_record`, the row's place, on. The grammar, on DuckDB's syntax tree:
 *
 *     text        SELECT item, … FROM source
 *     source      raw_<dataset> | (text), either with an alias
 *     item        * | table.* | expression [AS name]; `_record` exactly once, as it is
 *     expression  columns, constants, CASE, comparisons, AND OR NOT, IN (list), BETWEEN, IS NULL, coalesce,
 *                 CAST and TRY_CAST, and the functions and operators of `portable.ts`
 *
 * Everything else is refused: what is not known is not known to be the same on every engine. So is WHERE, for no record
 * may be left out: one that is not wanted is given a `bad_reason`.
 */
import { PipelineError } from '../core/index.ts'
import { literal, type Session } from '../engine/index.ts'
import type { Dataset } from './pipeline.ts'
import { faultOfCall, faultOfType, type SyntaxNode } from './portable.ts'

const recordColumn = '_record'

/**
 * Check the cleaning text of a dataset.
 *
 * @param session any session: the text is parsed, not bound or run
 * @throws PIPELINE_INVALID naming the dataset, the construct or function, and its place in the text
 */
export async function checkCleaningText(
  session: Session,
  dataset: Pick<Dataset, 'name' | 'schema' | 'sql'>,
): Promise<void> {
  const [row] = await session.rows(`SELECT json_serialize_sql(${literal(dataset.sql)}) AS tree`)
  const text = new CleaningText(dataset)
  text.check(JSON.parse(String(row?.tree)) as Parsed)
}

type Parsed =
  | { error: true; error_message: string; position?: string }
  | { error: false; statements: { node: SyntaxNode }[] }

/** Clauses of a SELECT that are no part of the grammar, by their member of the node. */
const clauses: Readonly<Record<string, string>> = {
  where_clause: 'WHERE, which leaves records out (give them a bad_reason)',
  group_expressions: 'GROUP BY',
  group_sets: 'GROUP BY',
  having: 'HAVING',
  qualify: 'QUALIFY',
  sample: 'a sample',
}
const modifiers: Readonly<Record<string, string>> = {
  DISTINCT_MODIFIER: 'DISTINCT',
  ORDER_MODIFIER: 'ORDER BY',
  LIMIT_MODIFIER: 'LIMIT or OFFSET',
  LIMIT_PERCENT_MODIFIER: 'LIMIT or OFFSET',
}
const sources: Readonly<Record<string, string>> = {
  JOIN: 'a join',
  TABLE_FUNCTION: 'a table function',
  EXPRESSION_LIST: 'VALUES',
  PIVOT: 'PIVOT',
  SHOW_REF: 'DESCRIBE or SHOW',
  EMPTY: 'a SELECT without FROM',
}
const expressions: Readonly<Record<string, string>> = {
  WINDOW: 'a window function',
  SUBQUERY: 'a subquery in an expression',
  STAR: '* within an expression, or COLUMNS(…)',
  LAMBDA: 'a lambda',
  PARAMETER: 'a parameter',
  COLLATE: 'COLLATE',
  POSITIONAL_REFERENCE: 'a column by its number',
  OPERATOR_TRY: 'TRY',
  ARRAY_EXTRACT: 'a subscript',
  ARRAY_SLICE: 'a subscript',
  STRUCT_EXTRACT: 'a member of a struct',
  GROUPING_FUNCTION: 'GROUPING',
}
const operators = new Set([
  'OPERATOR_IS_NULL',
  'OPERATOR_IS_NOT_NULL',
  'OPERATOR_NOT',
  'OPERATOR_COALESCE',
  'COMPARE_IN',
  'COMPARE_NOT_IN',
])

/** Walks one text; names are compared in lower case. */
class CleaningText {
  readonly #dataset: Pick<Dataset, 'name' | 'schema' | 'sql'>

  constructor(dataset: Pick<Dataset, 'name' | 'schema' | 'sql'>) {
    this.#dataset = dataset
  }

  check(parsed: Parsed): void {
    if (parsed.error) {
      const { position } = parsed
      const place = position === undefined ? {} : { query_location: Number(position) }
      const isOther = parsed.error_message.startsWith('Only SELECT statements')
      throw this.#invalid(isOther ? 'it is no SELECT' : parsed.error_message, place)
    }
    const [statement, second] = parsed.statements
    if (!statement) throw this.#invalid('it holds no statement')
    if (second) throw this.#invalid('it holds several statements, and can be one SELECT only', second.node)
    if (!this.#select(statement.node).has(recordColumn))
      throw this.#invalid(`it does not pass ${recordColumn} on`)
  }

  /** @returns the names of the columns it gives */
  #select(node: SyntaxNode): Set<string> {
    if (node.type === 'SET_OPERATION_NODE') throw this.#forbidden(`${node.setop_type}`, node)
    if (node.type !== 'SELECT_NODE' || isSome((node.cte_map as SyntaxNode).map))
      throw this.#forbidden('WITH', node)
    for (const modifier of listOf(node.modifiers))
      throw this.#forbidden(modifiers[String(modifier.type)] ?? String(modifier.type), modifier)
    const clause = Object.keys(clauses).find((member) => isSome(node[member]))
    if (clause !== undefined) throw this.#forbidden(clauses[clause]!, node[clause] as SyntaxNode)
    if (node.aggregate_handling !== 'STANDARD_HANDLING') throw this.#forbidden('GROUP BY ALL', node)
    const columns = this.#source(node.from_table as SyntaxNode)
    return this.#items(listOf(node.select_list), columns)
  }

  /** @returns the names of the columns it gives */
  #source(node: SyntaxNode): Set<string> {
    if (isSome(node.sample)) throw this.#forbidden('a sample', node)
    if (isSome(node.at_clause)) throw this.#forbidden('AT', node)
    if (isSome(node.column_name_alias)) throw this.#forbidden('a list of column names after an alias', node)
    if (node.type === 'SUBQUERY') return this.#select((node.subquery as { node: SyntaxNode }).node)
    if (node.type !== 'BASE_TABLE')
      throw this.#forbidden(sources[String(node.type)] ?? String(node.type), node)
    const table = ['catalog_name', 'schema_name', 'table_name']
      .map((member) => node[member])
      .filter((name) => name !== '')
    const raw = `raw_${this.#dataset.name}`
    if (table.join('.').toLowerCase() !== raw)
      throw this.#invalid(`it reads ${table.join('.')}, and can read ${raw} only`, node)
    return new Set([recordColumn, ...Object.keys(this.#dataset.schema).map((name) => name.toLowerCase())])
  }

  #items(items: readonly SyntaxNode[], columns: ReadonlySet<string>): Set<string> {
    const given = new Set<string>()
    const add = (name: string, node: SyntaxNode) => {
      if (name === recordColumn && given.has(name))
        throw this.#invalid(`it passes ${recordColumn} on twice`, node)
      given.add(name)
    }
    for (const item of items) {
      if (item.class === 'STAR') {
        if (
          ['exclude_list', 'qualified_exclude_list', 'replace_list', 'rename_list'].some((member) =>
            isSome(item[member]),
          )
        )
          throw this.#forbidden('* with EXCLUDE, REPLACE or RENAME', item)
        if (item.columns === true) throw this.#forbidden('COLUMNS(…)', item)
        for (const name of columns) add(name, item)
        continue
      }
      // A name given further left can be used, as far as no column has it.
      this.#expression(item, new Set([...columns, ...given]))
      const own = item.class === 'COLUMN_REF' ? columnOf(item) : ''
      const name = String(item.alias).toLowerCase() || own
      if (name === recordColumn && own !== recordColumn)
        throw this.#invalid(`${recordColumn} is passed on as it is, not made of something else`, item)
      add(name, item)
    }
    return given
  }

  #expression(node: SyntaxNode, columns: ReadonlySet<string>): void {
    const kind = String(node.class)
    switch (kind) {
      case 'CONSTANT':
        return
      case 'COLUMN_REF':
        // DuckDB reads an unknown name as a function where there is one: current_timestamp and its like.
        if (columns.has(columnOf(node))) return
        throw this.#invalid(`there is no column ${(node.column_names as string[]).join('.')} here`, node)
      case 'FUNCTION':
        this.#call(node)
        break
      case 'CAST': {
        const fault = faultOfType(node.cast_type as SyntaxNode)
        if (fault !== undefined) throw this.#invalid(fault, node)
        break
      }
      case 'OPERATOR':
        if (!operators.has(String(node.type)))
          throw this.#forbidden(expressions[String(node.type)] ?? String(node.type), node)
        break
      case 'CASE':
      case 'COMPARISON':
      case 'CONJUNCTION':
      case 'BETWEEN':
        break
      default:
        throw this.#forbidden(expressions[kind] ?? kind, node)
    }
    for (const operand of operandsOf(node)) this.#expression(operand, columns)
  }

  #call(node: SyntaxNode): void {
    const name = String(node.function_name).toLowerCase()
    if (node.distinct === true || isSome(node.filter) || isSome((node.order_bys as SyntaxNode).orders))
      throw this.#forbidden(`an aggregate, ${name}`, node)
    const schema = String(node.schema)
    const qualified = (schema !== '' && schema !== 'main') || node.catalog !== ''
    const fault = qualified
      ? `the function ${schema}.${name} is called by a qualified name, or as a method: write ${name}(…)`
      : faultOfCall(name, node.is_operator === true, listOf(node.children))
    if (fault !== undefined) throw this.#invalid(fault, node)
  }

  #forbidden(construct: string, node: SyntaxNode): PipelineError {
    const why = `it may only be one row-by-row SELECT over raw_${this.#dataset.name}`
    return this.#invalid(`${construct} is not allowed: ${why}`, node)
  }

  #invalid(what: string, node: SyntaxNode = {}): PipelineError {
    const { name, sql } = this.#dataset
    return new PipelineError('PIPELINE_INVALID', `the cleaning text of ${name}${placeOf(sql, node)}: ${what}`)
  }
}

/** Every expression a node is made of, wherever it hangs. */
function operandsOf(node: SyntaxNode): SyntaxNode[] {
  const alone = ['left', 'right', 'input', 'lower', 'upper', 'child', 'else_expr']
  return [
    ...alone.flatMap((member) => (isSome(node[member]) ? [node[member] as SyntaxNode] : [])),
    ...listOf(node.case_checks).flatMap((check) => [check.when_expr, check.then_expr] as SyntaxNode[]),
    ...listOf(node.children),
  ]
}

function columnOf(node: SyntaxNode): string {
  return String((node.column_names as string[]).at(-1)).toLowerCase()
}

function listOf(value: unknown): readonly SyntaxNode[] {
  return Array.isArray(value) ? value : []
}

function isSome(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined
}

/** ` (line 2, column 8)`, as an editor counts; nothing where DuckDB names no place. */
function placeOf(sql: string, node: unknown): string {
  const bytes = Buffer.from(sql)
  const at = firstLocation(node, bytes.length)
  if (at === undefined) return ''
  const before = bytes.toString('utf8', 0, at).split('\n')
  return ` (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`
}

/** The first place in a tree, in bytes; beyond the text's end stands what has none. */
function firstLocation(node: unknown, end: number): number | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  const own = (node as SyntaxNode).query_location
  if (typeof own === 'number' && own <= end) return own
  for (const child of Object.values(node)) {
    const location = firstLocation(child, end)
    if (location !== undefined) return location
  }
  return undefined
}
