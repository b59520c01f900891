/**
 * What a text may be: one SELECT over the tables of the platform and what it makes itself. It is judged as the engine
 * itself reads it, by the syntax tree that `json_serialize_sql` gives, against lists of what is allowed: a kind of
 * node, a table or a table function that is not on its list is refused. The wall is the process it runs in; this keeps
 * out what would be allowed to happen inside: files in an allowed folder, settings and paths told, logs switched on.
 */
import { pointed } from './place.ts'
import type { Readable } from './protocol.ts'

/** Why a text is refused, for the person who wrote it. */
export class Refusal extends Error {}

/** Those that make rows of their arguments alone. */
const tableFunctions = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'repeat_row',
  'json_each',
  'json_tree',
  'pg_timezone_names',
])

/**
 * Scalar functions of no use to people here: they read or write SQL trees (`json_deserialize_sql` ends the process on a
 * deep one), tell settings and paths, or write the engine's log. Others that can hurt are useful, and left to the wall.
 */
const refusedFunctions = new Set([
  'json_serialize_sql',
  'json_deserialize_sql',
  'json_serialize_plan',
  'json_execute_serialized_sql',
  'query',
  'query_table',
  'getenv',
  'current_setting',
  'pg_get_viewdef',
  'write_log',
  'parse_duckdb_log_message',
  'nextval',
  'currval',
])

const queryNodes = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE'])
/** What may stand after FROM besides tables, table functions and SHOW. */
const otherRelations = new Set(['SUBQUERY', 'JOIN', 'EXPRESSION_LIST', 'PIVOT', 'EMPTY'])
/** `SHOW TABLES`, `SHOW ALL TABLES`. */
const listings = new Set(['"tables"', '__show_tables_expanded'])

type Node = Record<string, unknown>

/** Names that a query gives to subqueries, innermost first. */
interface Scope {
  name: string
  /** Also reached as `recurring.name`. */
  recursive: boolean
  outer: Scope | undefined
}

/**
 * Judge a text by what `json_serialize_sql` said of it.
 *
 * @returns places in `tables` of those that it names
 * @throws Refusal
 */
export function judge(serialized: string, sql: string, tables: readonly Readable[]): number[] {
  const tree = JSON.parse(serialized) as Node
  if (tree.error === true) throw refusalOf(tree, sql)
  const statements = tree.statements as Node[]
  if (statements.length !== 1) throw new Refusal(`only a single SELECT can be asked, ${countOf(statements)}`)
  return [...new Judge(sql, tables).read(statements[0] as Node)].sort((a, b) => a - b)
}

class Judge {
  readonly #sql: string
  readonly #tables: readonly Readable[]
  readonly #places: ReadonlyMap<string, number>
  readonly #read = new Set<number>()

  constructor(sql: string, tables: readonly Readable[]) {
    this.#sql = sql
    this.#tables = tables
    this.#places = new Map(tables.flatMap(({ names }, place) => names.map((name) => [name, place])))
  }

  /** Walks with a stack of its own: how deep a text nests is its author's choice. */
  read(statement: Node): ReadonlySet<number> {
    const left: { value: unknown; scope: Scope | undefined }[] = [{ value: statement, scope: undefined }]
    for (let next = left.pop(); next; next = left.pop()) {
      const { value, scope } = next
      if (typeof value !== 'object' || value === null) continue
      if (Array.isArray(value)) {
        for (const member of value) left.push({ value: member, scope })
        continue
      }
      const node = value as Node
      this.#check(node, scope)
      const { cte_map: named, ...others } = node
      let inner = scope
      // Each sees those before it.
      for (const { key, value: subquery } of namedIn(named)) {
        left.push({ value: subquery, scope: inner })
        inner = { name: lower(key), recursive: false, outer: inner }
      }
      const itself = { name: lower(node.cte_name), recursive: true, outer: inner }
      for (const [part, member] of Object.entries(others)) {
        const seesItself = node.type === 'RECURSIVE_CTE_NODE' && part === 'right'
        left.push({ value: member, scope: seesItself ? itself : inner })
      }
    }
    return this.#read
  }

  #check(node: Node, scope: Scope | undefined): void {
    const { type } = node
    if (typeof type !== 'string') return
    if (node.class === 'FUNCTION') this.#checkFunction(node)
    if (node.class !== undefined) return
    if (type.endsWith('_NODE') && !queryNodes.has(type)) throw this.#refuse(node, `${type} is not allowed`)
    if (!('sample' in node && 'alias' in node)) return
    if (type === 'BASE_TABLE') this.#checkTable(node, scope)
    else if (type === 'TABLE_FUNCTION') this.#checkTableFunction(node)
    else if (type === 'SHOW_REF') this.#checkListing(node)
    else if (!otherRelations.has(type)) throw this.#refuse(node, `${type} is not allowed`)
  }

  #checkTable(node: Node, scope: Scope | undefined): void {
    const schema = lower(node.schema_name)
    const name = lower(node.table_name)
    const catalog = lower(node.catalog_name)
    if (catalog === '' && isNamed(scope, schema, name)) return
    const full = schema === '' ? name : `${schema}.${name}`
    const place = catalog === '' || catalog === 'memory' ? this.#places.get(full) : undefined
    if (place === undefined) throw this.#refuse(node, this.#noTable(node))
    this.#read.add(place)
  }

  #noTable(node: Node): string {
    const asked = [node.catalog_name, node.schema_name, node.table_name]
      .filter((part) => part !== '')
      .join('.')
    const first = this.#tables.map(({ names }) => names[0])
    const known = first.length === 0 ? 'no table has rows yet' : `there are ${first.join(', ')}`
    return `there is no table ${asked} that can be asked; ${known}`
  }

  #checkTableFunction(node: Node): void {
    const called = node.function as Node
    const name = lower(called.function_name)
    if (tableFunctions.has(name) && lower(called.schema) === '' && lower(called.catalog) === '') return
    throw this.#refuse(
      called,
      `the table function ${name} is not allowed: only tables of the platform can be read, and ${[...tableFunctions].join(', ')}`,
    )
  }

  #checkFunction(node: Node): void {
    const name = lower(node.function_name)
    if (refusedFunctions.has(name)) throw this.#refuse(node, `the function ${name} is not allowed`)
  }

  #checkListing(node: Node): void {
    // DESCRIBE and SUMMARIZE hold a query, which is judged like any other.
    if (node.query !== null) return
    const what = String(node.table_name)
    if (!listings.has(what)) throw this.#refuse(node, `SHOW ${what.replaceAll('"', '')} is not allowed`)
    // What is damaged cannot be shown; a text that names it is told so.
    for (const [place, { damage }] of this.#tables.entries()) if (damage === undefined) this.#read.add(place)
  }

  #refuse({ query_location: at }: Node, message: string): Refusal {
    return new Refusal(pointed(message, this.#sql, typeof at === 'number' ? at : undefined))
  }
}

/** The engine could not read it, or it is no SELECT. */
function refusalOf({ error_message: message, error_type: kind, position }: Node, sql: string): Refusal {
  const at = typeof position === 'string' ? Number(position) : undefined
  if (kind === 'parser') return new Refusal(pointed(String(message), sql, at))
  const { word, byteAt } = firstWord(sql)
  const hint = word === 'PIVOT' ? '; after PIVOT, name the values of each ON … with IN (…)' : ''
  return new Refusal(pointed(`only a single SELECT can be asked, this is ${word}${hint}`, sql, byteAt))
}

/** The word that a text begins with, in capitals, past blanks, brackets, semicolons and comments. */
function firstWord(sql: string): { word: string; byteAt: number } {
  const before = /^(?:[\s(;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(sql)?.[0] ?? ''
  const word = /^\w+/.exec(sql.slice(before.length))?.[0].toUpperCase() ?? 'another statement'
  return { word, byteAt: Buffer.byteLength(before) }
}

function countOf(statements: readonly unknown[]): string {
  return statements.length === 0 ? 'this is no statement' : `these are ${statements.length} statements`
}

function namedIn(map: unknown): { key: string; value: unknown }[] {
  return ((map as Node | undefined)?.map ?? []) as { key: string; value: unknown }[]
}

function isNamed(scope: Scope | undefined, schema: string, name: string): boolean {
  for (let at = scope; at; at = at.outer) {
    if (at.name === name && (schema === '' || (schema === 'recurring' && at.recursive))) return true
  }
  return false
}

/** As the engine compares names: ASCII letters alone. */
function lower(name: unknown): string {
  return String(name ?? '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
