/** Texts that want more time, memory or room than there is, or that end the SQL engine. */
import type { ErrorCode } from '../../../src/core/index.ts'

export interface Exhaustion {
  name: string
  sql: string
  /** How it may end: by one of these errors, or, for `answer`, by being answered. */
  ends: readonly (ErrorCode | 'answer')[]
}

const memory = ['QUERY_OUT_OF_MEMORY'] as const
const time = ['QUERY_TIMED_OUT'] as const
/** Whichever comes first on the machine. */
const either = ['QUERY_OUT_OF_MEMORY', 'QUERY_TIMED_OUT'] as const
/** A crash of the engine that a later version may have mended. */
const death = [
  'QUERY_ENGINE_ENDED',
  'QUERY_OUT_OF_MEMORY',
  'QUERY_TIMED_OUT',
  'QUERY_INVALID',
  'answer',
] as const
const refused = ['QUERY_INVALID'] as const
const large = ['ANSWER_TOO_LARGE'] as const

const times = (count: number, text: string) => text.repeat(count)
const nested = (depth: number, open: string, inner: string, close: string) =>
  times(depth, open) + inner + times(depth, close)
/** JSON of this depth, made by the engine. */
const deepJson = (levels: number) => `(repeat('{"a":', ${levels}) || '1' || repeat('}', ${levels}))`
const doubling = (levels: number) =>
  `WITH a0 AS (SELECT 1 AS n)${Array.from({ length: levels }, (_, at) => `, a${at + 1} AS (SELECT x.n FROM a${at} x, a${at} y)`).join('')} SELECT count(*) FROM a${levels}`

const entries: readonly [name: string, ends: Exhaustion['ends'], sql: string][] = [
  // Memory that the engine's own limit does not count.
  ['repeat of a gigabyte', memory, "SELECT length(repeat('x', 1000000000))"],
  ['repeat of four gigabytes', memory, "SELECT length(repeat('x', 4000000000))"],
  ['rpad to two gigabytes', either, "SELECT length(rpad('x', 2000000000, 'y'))"],
  ['lpad to two gigabytes', either, "SELECT length(lpad('x', 2000000000, 'y'))"],
  ['a list of a milliard', memory, 'SELECT len(range(1000000000))'],
  ['a list of a milliard, by another name', memory, 'SELECT len(generate_series(1, 1000000000))'],
  ['a list made longer', memory, 'SELECT len(list_resize([1], 500000000))'],
  [
    'the distance of two long texts',
    either,
    "SELECT damerau_levenshtein(repeat('a', 100000), repeat('b', 100000))",
  ],
  ['a sum over long texts', either, "SELECT sum(length(repeat('x', 50000000) || range)) FROM range(1000)"],
  [
    'a text put together of long ones',
    either,
    "SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(10000)",
  ],
  [
    'a text that doubles',
    either,
    "WITH RECURSIVE t AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM t) SELECT max(length(s)) FROM t",
  ],
  ['hex of a long text', either, "SELECT length(hex(repeat('x', 400000000)))"],
  ['base64 of a long text', either, "SELECT length(to_base64(repeat('x', 400000000)::BLOB))"],
  [
    'every letter replaced by many',
    either,
    "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
  ],
  [
    'a format with a wide field',
    ['QUERY_OUT_OF_MEMORY', 'QUERY_TIMED_OUT', 'QUERY_INVALID'],
    "SELECT length(printf('%2000000000d', 1))",
  ],
  ['a list of long texts', either, "SELECT len(list_transform(range(10000), x -> repeat('x', 1000000)))"],
  ['lists in lists', either, 'SELECT len(list_transform(range(30000), x -> range(30000)))'],
  ['one list of all', either, 'SELECT len(list(range)) FROM range(1000000000)'],
  ['one JSON text of all', either, 'SELECT length(json_group_array(range)) FROM range(1000000000)'],
  ['a map of many', either, 'SELECT cardinality(map(range(50000000), range(50000000)))'],
  // Time.
  [
    'a cross join',
    time,
    'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1',
  ],
  [
    'a recursion without end',
    either,
    'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t',
  ],
  [
    'a recursion without end that keeps all',
    either,
    'WITH RECURSIVE t AS (SELECT 1 AS n UNION SELECT n + 1 FROM t) SELECT count(*) FROM t',
  ],
  ['a distance deaf to interrupts', time, "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))"],
  ['hashes', time, 'SELECT max(sha256(range::VARCHAR)) FROM range(100000000000)'],
  ['sleep', time, 'SELECT pg_sleep(100)'],
  ['sleep, by another name', time, 'SELECT sleep_ms(100000)'],
  [
    'a pattern over long texts',
    either,
    "SELECT count(regexp_matches(repeat('a', 1000000) || range, '(a*)*b')) FROM range(10000)",
  ],
  [
    'rows of a milliard unnested',
    time,
    'SELECT count(*) FROM (SELECT unnest(range(1000000)) FROM range(10000000))',
  ],
  [
    'subqueries for each row',
    either,
    'SELECT (SELECT count(*) FROM range(1000000) b WHERE b.range % a.range > 7) FROM range(1, 1000000) a',
  ],
  ['a walk through deep JSON', death, `SELECT count(*) FROM json_tree(${deepJson(200_000)})`],
  // Both, and disk.
  ['a sort', either, 'SELECT * FROM range(1000000000) ORDER BY random()'],
  [
    'a sort of long rows',
    either,
    "SELECT repeat('x', 1000) || random() AS s FROM range(100000000) ORDER BY s",
  ],
  ['all distinct', either, 'SELECT count(DISTINCT random()) FROM range(1000000000)'],
  [
    'groups without number',
    either,
    'SELECT count(*) FROM (SELECT range, count(*) FROM range(1000000000) GROUP BY range)',
  ],
  [
    'a large hash join',
    either,
    'SELECT count(*) FROM range(500000000) a JOIN range(500000000) b USING (range)',
  ],
  [
    'a window over all',
    either,
    'SELECT max(s) FROM (SELECT sum(range) OVER (ORDER BY random()) AS s FROM range(500000000))',
  ],
  ['a median', either, 'SELECT median(random()) FROM range(1000000000)'],
  [
    'an EXCEPT of large sets',
    either,
    'SELECT count(*) FROM (SELECT range FROM range(500000000) EXCEPT SELECT range * 2 FROM range(500000000))',
  ],
  // What ends the engine, or its parser.
  ['the structure of deep JSON', death, `SELECT json_structure(${deepJson(200_000)})`],
  ['deep JSON merged', death, `SELECT json_merge_patch(${deepJson(400_000)}, ${deepJson(400_000)})`],
  ['deep JSON contained', death, `SELECT json_contains(${deepJson(400_000)}, ${deepJson(400_000)})`],
  ['deep JSON as a variant', death, `SELECT ${deepJson(200_000)}::JSON::VARIANT`],
  ['brackets', refused, `SELECT ${nested(45_000, '(', '1', ')')}`],
  ['negations', refused, `SELECT ${times(20_000, 'NOT ')}true`],
  ['a long sum', refused, `SELECT 1${times(45_000, '+1')}`],
  ['lists in a text', refused, `SELECT ${nested(45_000, '[', '1', ']')}`],
  ['subqueries in subqueries', refused, `SELECT ${nested(10_000, '(SELECT ', '1', ')')}`],
  ['cases in cases', refused, `SELECT ${nested(4_000, 'CASE WHEN true THEN ', '1', ' END')}`],
  ['functions in functions', refused, `SELECT ${nested(15_000, 'abs(', '1', ')')}`],
  ['a union of thousands', [...death], `SELECT 1${times(5_000, ' UNION ALL SELECT 1')}`],
  ['subqueries that double', death, doubling(30)],
  [
    'columns that double',
    death,
    nested(24, 'SELECT *, * FROM (', 'SELECT 1 AS a', ')')
      .replace('SELECT *', 'SELECT 1 FROM (SELECT *')
      .concat(')'),
  ],
  [
    'a PIVOT with many columns',
    death,
    `PIVOT (SELECT range AS r FROM range(15000)) ON r IN (${Array.from({ length: 15_000 }, (_, at) => at).join(',')}) USING count(*)`,
  ],
  ['a text that is too long', refused, `SELECT ${times(60_000, '1,')}1`],
  // Answers.
  ['rows without end', large, 'SELECT * FROM range(100000000000)'],
  ['many long rows', large, "SELECT repeat('x', 10000) AS s FROM range(10000)"],
  [
    'rows of which a few thousand do not fit',
    ['ANSWER_TOO_LARGE', 'QUERY_OUT_OF_MEMORY', 'QUERY_TIMED_OUT'],
    "SELECT repeat('x', 200000) AS s FROM range(10000)",
  ],
  [
    'one long row',
    ['ANSWER_TOO_LARGE', 'QUERY_OUT_OF_MEMORY', 'QUERY_TIMED_OUT'],
    "SELECT repeat('x', 30000000) AS s",
  ],
  [
    'one very long row',
    ['ANSWER_TOO_LARGE', 'QUERY_OUT_OF_MEMORY', 'QUERY_TIMED_OUT'],
    "SELECT repeat('x', 150000000) AS s",
  ],
  [
    'a row of many values',
    ['ANSWER_TOO_LARGE', 'QUERY_OUT_OF_MEMORY', 'QUERY_TIMED_OUT'],
    'SELECT range(10000000) AS l',
  ],
]

export const exhaustions: readonly Exhaustion[] = entries.map(([name, ends, sql]) => ({ name, ends, sql }))
