import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine, type Session } from '../../src/engine/index.ts'
import { checkCleaningText, loadPipeline, type RawSchema } from '../../src/pipeline/index.ts'

let engine: Engine
let session: Session

beforeAll(async () => {
  engine = await Engine.open({ memoryBytes: 2 ** 27, threads: 1, temporaryFolder: tmpdir() })
  session = await engine.connect()
})

afterAll(() => {
  session.close()
  engine.close()
})

const schema: RawSchema = {
  id: { type: 'integer' },
  a: { type: 'text' },
  n: { type: 'double' },
  time: { type: 'timestamp' },
}

const check = (sql: string, columns = schema) =>
  checkCleaningText(session, { name: 'x', schema: columns, sql })

describe('a cleaning text passes', () => {
  test.each(['pipelines/pinterest', 'test/fixtures/orchard'])('that is part of %s', async (folder) => {
    const { datasets } = await loadPipeline(join(import.meta.dirname, '../..', folder), { id: 'demo' })
    expect(datasets.length).toBeGreaterThan(1)
    for (const dataset of datasets) await checkCleaningText(session, dataset)
  })

  test.each([
    'SELECT * FROM raw_x',
    'SELECT * FROM RAW_X AS t',
    'SELECT t.* FROM (SELECT _record, a FROM (SELECT * FROM raw_x)) AS t',
    'SELECT raw_x._record, upper(a) AS a, upper(raw_x.a) AS b FROM raw_x',
    'SELECT _record AS _record, a AS b, b AS c FROM raw_x',
    "SELECT _record, CASE WHEN a LIKE 'x%' AND NOT a ILIKE '%!%' ESCAPE '!' THEN a ELSE 'é' END AS a FROM raw_x",
    "SELECT _record, CASE a WHEN '1' THEN true WHEN '2' THEN false END AS a FROM raw_x",
    "SELECT _record, a IN ('1', '2') OR a NOT IN ('3') OR a IS NULL OR n BETWEEN 1 AND 2 AS b FROM raw_x",
    "SELECT _record, coalesce(nullif(a, ''), ifnull(a, 'y')) AS a FROM raw_x",
    'SELECT _record, TRY_CAST(a AS BIGINT) AS b, CAST(n AS DECIMAL(10, 2)) AS c, CAST(a AS TIMESTAMP_LTZ) AS d FROM raw_x',
    "SELECT _record, regexp_extract(a, '^([0-9]+)[$]?\\$\\z', 1) || ' ' || concat_ws('-', a, a) AS a FROM raw_x",
    'SELECT _record, n / 2 + n % 3 - n * n / nullif(n, 0) AS n, -n AS m FROM raw_x',
    "SELECT _record, year(time) AS y, date_trunc('month', time) AS m, DATE '2020-01-01' AS d FROM raw_x",
    'SELECT _record, make_array(n, n) AS c, greatest(n, 0) AS g, a IS NOT DISTINCT FROM a AS s FROM raw_x',
    'SELECT _record, extract_me AS a FROM (SELECT *, a AS extract_me FROM raw_x) AS t',
    'SELECT * FROM raw_x -- with a note',
  ])('%s', async (sql) => {
    await check(sql)
  })

  test('whatever its columns are called', async () => {
    const called = { current_timestamp: { type: 'text' }, Select: { type: 'text' } } as const
    await check('SELECT _record, "current_timestamp", "select" AS s FROM raw_x', called)
  })
})

describe('a cleaning text is refused, with what and where', () => {
  const places: [what: string, sql: string, message: string][] = [
    ['an inner join', 'SELECT * FROM raw_x JOIN raw_y USING (id)', 'a join is not allowed'],
    ['a list of tables', 'SELECT * FROM raw_x, raw_y', 'a join'],
    ['a join within a subquery', 'SELECT * FROM (SELECT * FROM raw_x POSITIONAL JOIN y) AS t', 'a join'],
    ['WITH', 'WITH t AS (SELECT * FROM raw_x) SELECT * FROM raw_x', 'WITH'],
    ['WITH within a subquery', 'SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM raw_x)', 'WITH'],
    ['recursion', 'WITH RECURSIVE t AS (SELECT 1 UNION SELECT 2) SELECT * FROM raw_x', 'WITH'],
    ['UNION', 'SELECT * FROM raw_x UNION ALL SELECT * FROM raw_x', 'UNION is not allowed'],
    ['EXCEPT', 'SELECT * FROM raw_x EXCEPT SELECT * FROM raw_x', 'EXCEPT is not allowed'],
    ['GROUP BY', 'SELECT _record FROM raw_x GROUP BY _record', '(line 1, column 36): GROUP BY'],
    ['GROUP BY ALL', 'SELECT _record FROM raw_x GROUP BY ALL', 'GROUP BY ALL'],
    ['HAVING', "SELECT _record FROM raw_x HAVING a = ''", 'HAVING'],
    ['an aggregate', 'SELECT _record, sum(n) AS s FROM raw_x', '(line 1, column 17): the function sum'],
    ['count(*)', 'SELECT _record, count(*) AS s FROM raw_x', 'aggregates belong in questions'],
    ['an aggregate of distinct values', 'SELECT _record, upper(DISTINCT a) AS a FROM raw_x', 'an aggregate'],
    ['a filtered aggregate', 'SELECT _record, upper(a) FILTER (WHERE true) AS a FROM raw_x', 'an aggregate'],
    ['an ordered aggregate', 'SELECT _record, upper(a ORDER BY a) AS a FROM raw_x', 'an aggregate'],
    ['DISTINCT', 'SELECT DISTINCT * FROM raw_x', 'DISTINCT'],
    ['DISTINCT ON', 'SELECT DISTINCT ON (a) * FROM raw_x', 'DISTINCT'],
    ['LIMIT', 'SELECT * FROM raw_x LIMIT 1', 'LIMIT or OFFSET'],
    ['a share', 'SELECT * FROM raw_x LIMIT 10%', 'LIMIT or OFFSET'],
    ['OFFSET', 'SELECT * FROM raw_x OFFSET 1', 'LIMIT or OFFSET'],
    ['LIMIT within a subquery', 'SELECT * FROM (SELECT * FROM raw_x LIMIT 1)', 'LIMIT or OFFSET'],
    ['ORDER BY', 'SELECT * FROM raw_x ORDER BY a', 'ORDER BY'],
    ['USING SAMPLE', 'SELECT * FROM raw_x USING SAMPLE 10%', 'a sample'],
    ['TABLESAMPLE', 'SELECT * FROM raw_x TABLESAMPLE 10%', 'a sample'],
    ['QUALIFY', 'SELECT * FROM raw_x QUALIFY true', 'QUALIFY'],
    ['a window function', 'SELECT *, row_number() OVER () AS r FROM raw_x', 'a window function'],
    ['an aggregate over a window', 'SELECT *, sum(n) OVER () AS r FROM raw_x', 'a window function'],
    ['a scalar subquery', 'SELECT *, (SELECT 1) AS r FROM raw_x', 'a subquery in an expression'],
    ['EXISTS', 'SELECT *, EXISTS (SELECT 1) AS r FROM raw_x', 'a subquery in an expression'],
    ['IN with a subquery', 'SELECT *, a IN (SELECT a FROM raw_x) AS r FROM raw_x', 'a subquery'],
    [
      'WHERE',
      'SELECT * FROM raw_x WHERE _record >= 0',
      '(line 1, column 35): WHERE, which leaves records out',
    ],
    ['WHERE within a subquery', 'SELECT * FROM (SELECT * FROM raw_x WHERE true)', 'WHERE'],
    ['a table function', "SELECT * FROM read_csv('x')", 'a table function'],
    ['UNNEST as a table', 'SELECT * FROM unnest([1])', 'a table function'],
    ['UNNEST', 'SELECT _record, unnest([1]) AS u FROM raw_x', 'the function unnest'],
    ['VALUES', 'SELECT * FROM (VALUES (1)) AS t', 'VALUES'],
    ['no FROM', 'SELECT 1 AS _record', 'a SELECT without FROM'],
    ['DESCRIBE', 'DESCRIBE raw_x', 'DESCRIBE or SHOW'],
    ['another table', 'SELECT * FROM raw_y', 'it reads raw_y, and can read raw_x only'],
    ['a file', "SELECT * FROM '/etc/passwd.csv'", 'it reads /etc/passwd.csv'],
    ['a table of another schema', 'SELECT * FROM stream.raw_x', 'it reads stream.raw_x'],
    ['a statement that writes', 'INSERT INTO raw_x VALUES (1)', 'it is no SELECT'],
    ['PIVOT', 'PIVOT raw_x ON a USING sum(n)', 'it is no SELECT'],
    ['two statements', 'SELECT * FROM raw_x; SELECT * FROM raw_x', 'several statements'],
    ['none', '-- nothing', 'no statement'],
    [
      'what does not parse',
      'SELECT *\nFROM raw_x WHERE',
      '(line 2, column 17): syntax error at end of input',
    ],
    ['EXCLUDE', 'SELECT * EXCLUDE (a) FROM raw_x', '* with EXCLUDE, REPLACE or RENAME'],
    ['REPLACE', 'SELECT * REPLACE (1 AS a) FROM raw_x', '* with EXCLUDE, REPLACE or RENAME'],
    ['COLUMNS', "SELECT _record, COLUMNS('a.*') FROM raw_x", 'COLUMNS'],
    ['a lambda', 'SELECT *, list_transform([n], y -> y) AS b FROM raw_x', 'the function list_transform'],
    ['a list', 'SELECT _record, [n, n] AS b FROM raw_x', 'write make_array(a, b)'],
    ['a subscript', 'SELECT _record, a[1] AS b FROM raw_x', 'a subscript'],
    ['TRY', 'SELECT _record, TRY(n / 2) AS b FROM raw_x', 'TRY'],
    ['a parameter', 'SELECT _record, ? AS b FROM raw_x', 'a parameter'],
    ['COLLATE', 'SELECT _record, a COLLATE NOCASE AS b FROM raw_x', 'COLLATE'],
    ['a column by its number', 'SELECT _record, #1 AS b FROM raw_x', 'a column by its number'],
    ['names after an alias', 'SELECT * FROM raw_x AS t (b)', 'a list of column names'],
  ]

  test.each([
    ...places,
    ...['random', 'now', 'uuid', 'gen_random_uuid', 'today', 'get_current_timestamp', 'txid_current'].map(
      (name) => [`${name}()`, `SELECT _record, ${name}() AS b FROM raw_x`, `the function ${name} is not`],
    ),
    ...['current_timestamp', 'current_date', 'localtime', 'localtimestamp', 'current_user', 'nowhere'].map(
      (name) => [name, `SELECT _record, ${name} AS b FROM raw_x`, `there is no column ${name} here`],
    ),
    ...[
      'nextval',
      'getenv',
      'read_text',
      'read_blob',
      'current_setting',
      'setseed',
      'md5_number',
      'hash',
    ].map((name) => [
      `${name}('a')`,
      `SELECT _record, ${name}('a') AS b FROM raw_x`,
      `the function ${name} is not`,
    ]),
  ] as [string, string, string][])('%s', async (_, sql, message) => {
    await expect(check(sql)).rejects.toMatchObject({
      code: 'PIPELINE_INVALID',
      message: expect.stringMatching(/^the cleaning text of x[ :]/),
    })
    await expect(check(sql)).rejects.toThrow(message)
  })

  test.each([
    ['concat(a, a)', 'write a || b'],
    ["regexp_replace(a, 'x', 'y')", 'write regexp_extract'],
    ["regexp_matches(a, 'x')", 'write regexp_extract'],
    ["a ~ 'x'", 'write regexp_extract'],
    ["regexp_extract(a, 'x')", 'takes 3 arguments here, not 2'],
    ["regexp_extract(a, 'x$', 0)", 'write \\z'],
    ['regexp_extract(a, a, 0)', 'plain text'],
    ["trim(a, 'x')", 'takes 1 arguments here'],
    ["a LIKE 'x\\_'", 'backslash'],
    ["a GLOB 'x*'", 'the operator ~~~'],
    ['n / n', 'nullif'],
    ['n / 0', 'nullif'],
    ['n // 2', 'the operator //'],
    ['n ^ 2', 'the operator ^'],
    ['time + INTERVAL 1 DAY', 'to_days'],
    ['CAST(a AS TIMESTAMP)', 'write TIMESTAMP_LTZ'],
    ['a::TIMESTAMPTZ', 'write TIMESTAMP_LTZ'],
    ['CAST(a AS UUID)', 'the type UUID'],
    ['CAST(a AS INT[])', 'the type LIST'],
    ['a.upper()', 'write upper(…)'],
    ['pg_catalog.upper(a)', 'write upper(…)'],
  ])('%s, which is not portable', async (expression, message) => {
    await expect(check(`SELECT _record, ${expression} AS b FROM raw_x`)).rejects.toThrow(message)
  })

  test.each([
    ['SELECT a FROM raw_x', 'it does not pass _record on'],
    ['SELECT *, _record FROM raw_x', 'it passes _record on twice'],
    ['SELECT _record AS place FROM raw_x', 'it does not pass _record on'],
    ['SELECT id AS _record FROM raw_x', '_record is passed on as it is'],
    ['SELECT _record + 1 AS _record FROM raw_x', '_record is passed on as it is'],
    ['SELECT CAST(_record AS INT) AS _record FROM raw_x', '_record is passed on as it is'],
    ['SELECT * FROM (SELECT a FROM raw_x)', 'it does not pass _record on'],
    ['SELECT _record FROM (SELECT a FROM raw_x)', 'there is no column _record here'],
    ['SELECT * FROM (SELECT id AS "_RECORD" FROM raw_x)', '_record is passed on as it is'],
  ])('%s, which loses the row’s place', async (sql, message) => {
    await expect(check(sql)).rejects.toThrow(message)
  })

  test('a place is given as an editor counts it, after whatever stands before it', async () => {
    await expect(check("SELECT _record,\n  'ÄÖ€😀' AS b, random() AS c\nFROM raw_x")).rejects.toThrow(
      'the cleaning text of x (line 2, column 17): the function random',
    )
  })

  test('a forbidden call is found wherever an expression can stand', async () => {
    const holes = [
      'upper(?)',
      '? || a',
      'CASE WHEN ? THEN a END',
      'CASE WHEN true THEN ? END',
      'CASE WHEN true THEN a ELSE ? END',
      'CASE ? WHEN 1 THEN a END',
      'coalesce(a, ?)',
      'CAST(? AS STRING)',
      '? IS NULL',
      'NOT ?',
      '? BETWEEN 1 AND 2',
      '1 BETWEEN ? AND 2',
      '1 BETWEEN 1 AND ?',
      '? = 1',
      '1 < ?',
      '? AND true',
      'true OR ?',
      '? IN (1)',
      '1 IN (2, ?)',
      'a LIKE ?',
    ]
    const anywhere = fc.array(fc.constantFrom(...holes), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(anywhere, fc.constantFrom('SELECT', 'inner'), async (path, clause) => {
        const expression = path.reduce((inner, hole) => hole.replace('?', `(${inner})`), 'random()')
        const sql = {
          SELECT: `SELECT _record, ${expression} AS b FROM raw_x`,
          inner: `SELECT _record FROM (SELECT *, ${expression} AS b FROM raw_x) AS t`,
        }[clause]
        await expect(check(sql)).rejects.toThrow('random')
        await check(sql.replace('random()', 'n'))
      }),
      { numRuns: 60 },
    )
  })
})
