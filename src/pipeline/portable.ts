/**
 * The scalar functions, operators and types of cleaning texts: deterministic, and with one meaning on every engine
 * that may run them. What is not here is refused, with a way out where there is a usual one.
 */

/** A node of DuckDB's syntax tree, as `json_serialize_sql` gives it. */
export type SyntaxNode = Readonly<Record<string, unknown>>

interface Use {
  /** How many arguments it takes here: other calls mean different things on different engines. */
  from: number
  to: number
  /** Why a call is no good nevertheless. */
  fault?: (children: readonly SyntaxNode[]) => string | undefined
}

const takes = (from: number, to = from, fault?: Use['fault']): Use => ({ from, to, ...(fault && { fault }) })
const many = Number.POSITIVE_INFINITY

const portableFunctions: Readonly<Record<string, Use>> = {
  // Text. With a second argument the trims take their arguments in another order elsewhere.
  upper: takes(1),
  lower: takes(1),
  length: takes(1),
  char_length: takes(1),
  character_length: takes(1),
  trim: takes(1),
  ltrim: takes(1),
  rtrim: takes(1),
  substr: takes(2, 3),
  substring: takes(2, 3),
  replace: takes(3),
  translate: takes(3),
  lpad: takes(3),
  rpad: takes(3),
  repeat: takes(2),
  chr: takes(1),
  instr: takes(2),
  contains: takes(2),
  concat_ws: takes(2, many),
  regexp_extract: takes(3, 3, faultOfPattern),
  // Numbers.
  abs: takes(1),
  ceil: takes(1),
  ceiling: takes(1),
  floor: takes(1),
  round: takes(1, 2),
  sign: takes(1),
  greatest: takes(2, many),
  least: takes(2, many),
  // Dates.
  year: takes(1),
  quarter: takes(1),
  month: takes(1),
  weekofyear: takes(1),
  day: takes(1),
  hour: takes(1),
  minute: takes(1),
  second: takes(1),
  last_day: takes(1),
  make_date: takes(3),
  date_trunc: takes(2),
  // Others; coalesce and ifnull are operators of the grammar.
  nullif: takes(2),
  make_array: takes(2),
}

const portableOperators: Readonly<Record<string, Use>> = {
  '+': takes(1, 2),
  '-': takes(1, 2),
  '*': takes(2),
  '/': takes(2, 2, faultOfDivisor),
  '%': takes(2, 2, faultOfDivisor),
  '||': takes(2),
  // LIKE, NOT LIKE, ILIKE, NOT ILIKE, and each with ESCAPE.
  '~~': takes(2, 2, faultOfLike),
  '!~~': takes(2, 2, faultOfLike),
  '~~*': takes(2, 2, faultOfLike),
  '!~~*': takes(2, 2, faultOfLike),
  like_escape: takes(3),
  not_like_escape: takes(3),
  ilike_escape: takes(3),
  not_ilike_escape: takes(3),
}

/** Ways out of the functions people reach for first. */
const waysOut: Readonly<Record<string, string>> = {
  concat: 'write a || b',
  regexp_replace: 'write regexp_extract(text, pattern, group)',
  regexp_matches: "write regexp_extract(text, pattern, group) <> ''",
  regexp_full_match: "write regexp_extract(text, pattern, group) <> ''",
  position: 'write instr(text, part)',
  strpos: 'write instr(text, part)',
  starts_with: "write text LIKE 'part%'",
  startswith: "write text LIKE 'part%'",
  nvl: 'write coalesce(a, b)',
  list_value: 'write make_array(a, b)',
  array: 'write make_array(a, b)',
  date_part: 'write year(time), month(time), day(time), hour(time), …',
  to_timestamp: 'declare the column as timestamp in the schema',
  strptime: 'declare the column as timestamp in the schema',
  count_star: 'aggregates belong in questions',
  count: 'aggregates belong in questions',
  sum: 'aggregates belong in questions',
  avg: 'aggregates belong in questions',
  min: 'aggregates belong in questions; of several values it is least(a, b)',
  max: 'aggregates belong in questions; of several values it is greatest(a, b)',
}

/** Why a call of a function or an operator is refused; undefined when it is not. */
export function faultOfCall(
  name: string,
  isOperator: boolean,
  children: readonly SyntaxNode[],
): string | undefined {
  const known = { ...portableFunctions, ...portableOperators }
  const use = Object.hasOwn(known, name) ? known[name] : undefined
  const called = isOperator ? `the operator ${name}` : `the function ${name}`
  if (!use) {
    const out = Object.hasOwn(waysOut, name) ? `: ${waysOut[name]}` : ''
    const list = isOperator ? '+ - * / % || LIKE ILIKE' : Object.keys(portableFunctions).join(' ')
    return `${called} is not of the portable, deterministic, row-by-row kind${out}. Known are ${list}`
  }
  if (children.length < use.from || children.length > use.to) {
    const wanted = use.to === many ? `${use.from} or more` : [...new Set([use.from, use.to])].join(' or ')
    return `${called} takes ${wanted} arguments here, not ${children.length}`
  }
  const fault = use.fault?.(children)
  return fault && `${called}: ${fault}`
}

const types = new Set([
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'VARCHAR',
  'DATE',
])

/** Why a cast to a type is refused; undefined when it is not. */
export function faultOfType(type: SyntaxNode): string | undefined {
  const { id, type_info: info } = type as { id: string; type_info: SyntaxNode | null }
  // A type of another engine's name, which a session declares.
  const name = id === 'UNBOUND' ? String(info?.name).toUpperCase() : id
  if (types.has(name) || name === 'TIMESTAMP_LTZ') return undefined
  if (name.startsWith('TIMESTAMP'))
    return `the type ${name} means different things on different engines: write TIMESTAMP_LTZ`
  return `the type ${name} is not portable: use BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL, STRING, DATE or TIMESTAMP_LTZ`
}

function faultOfPattern([, pattern, group]: readonly SyntaxNode[]): string | undefined {
  const text = constantOf(pattern)
  if (typeof text !== 'string') return 'the pattern must be a plain text'
  if (!Number.isInteger(constantOf(group))) return 'the group must be a plain number'
  const bare = text.replace(/\\./gs, '').replace(/\[[^\]]*\]/gs, '')
  return bare.includes('$') ? '$ also matches before a last newline elsewhere: write \\z' : undefined
}

function faultOfLike([, pattern]: readonly SyntaxNode[]): string | undefined {
  const text = constantOf(pattern)
  return typeof text === 'string' && text.includes('\\')
    ? "a backslash in the pattern escapes on some engines only: write another sign, and ESCAPE 'sign'"
    : undefined
}

function faultOfDivisor([, divisor]: readonly SyntaxNode[]): string | undefined {
  const constant = constantOf(divisor)
  if (typeof constant === 'number' && constant !== 0) return undefined
  const [, never] = divisor?.function_name === 'nullif' ? (divisor.children as SyntaxNode[]) : []
  if (constantOf(never) === 0) return undefined
  return 'a division by zero ends differently on each engine: divide by nullif(number, 0)'
}

/** The value of a constant; undefined for anything else. */
function constantOf(node: SyntaxNode | undefined): unknown {
  if (node?.class !== 'CONSTANT') return undefined
  return (node.value as { value?: unknown }).value
}
