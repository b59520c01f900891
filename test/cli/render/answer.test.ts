import { expect, test } from 'vitest'
import { answerText, csv, formatOf, markdown } from '../../../src/cli/render/answer.ts'
import { ageText, questionText, tablesText } from '../../../src/cli/render/question.ts'

const columns = [
  { name: 'name', type: 'VARCHAR' },
  { name: 'count', type: 'BIGINT' },
]

test('csv: RFC 4180, null is nothing, empty text is quoted, a formula stays as it is', () => {
  const rows = [
    { name: 'a,b', count: 1 },
    { name: 'say "no"', count: '12345678901234567890' },
    { name: 'two\nlines\r', count: -1.5 },
    { name: null, count: null },
    { name: '', count: 0 },
    { name: '=1+1', count: 1 },
    { name: { base64: '/w==' }, count: 1 },
  ]
  expect(csv({ columns, rows })).toBe(
    [
      'name,count',
      '"a,b",1',
      '"say ""no""",12345678901234567890',
      '"two\nlines\r",-1.5',
      ',',
      '"",0',
      '=1+1,1',
      '"{""base64"":""/w==""}",1',
      '',
    ].join('\n'),
  )
})

test('csv: a null alone on its line is not an empty line', () => {
  expect(csv({ columns: columns.slice(0, 1), rows: [{ name: null }, { name: 'x' }] })).toBe('name\n""\nx\n')
  expect(csv({ columns, rows: [] })).toBe('name,count\n')
})

test('markdown: what means something there is escaped, line ends and nulls are shown', () => {
  const rows = [
    { name: 'a|b\\|c *d* `e` <f> snake_case _g_', count: 1 },
    { name: 'two\nlines', count: null },
  ]
  expect(markdown({ columns, rows })).toBe(
    [
      '| name | count |',
      '| --- | ---: |',
      String.raw`| a\|b\\\|c \*d\* \`e\` \<f> snake_case \_g\_ | 1 |`,
      '| two<br>lines | null |',
      '',
    ].join('\n'),
  )
})

test('table: numbers to the right though they come as text, null as such, a name in columns of its own order', () => {
  const numbers = [
    { name: '2', type: 'HUGEINT' },
    { name: '1', type: 'DECIMAL(38,2)' },
  ]
  const rows = [
    { 1: '0.50', 2: '12345678901234567890' },
    { 1: null, 2: 7 },
  ]
  expect(answerText({ columns: numbers, rows })).toBe(
    ['                     2     1', '  12345678901234567890  0.50', '                     7  null'].join(
      '\n',
    ),
  )
})

test('--json is one format, and no other beside it', () => {
  expect(formatOf({})).toBe('table')
  expect(formatOf({ json: true })).toBe('json')
  expect(formatOf({ json: true, format: 'json' })).toBe('json')
  expect(() => formatOf({ json: true, format: 'csv' })).toThrow('--format csv')
})

const asked = {
  question: '4',
  title: 'Most popular',
  columns,
  rows: [
    { name: 'a', count: 2 },
    { name: 'b', count: 2 },
    { name: 'c', count: 1 },
  ],
  versions: { 'batch.pin': 3 },
  tables: { 'batch.pin': { version: 3, definition: 'd', dataTimeMs: 1_000 } },
}

test('ties are marked, and said in words; without any there is no such column', () => {
  const ties = { columns: ['count'], places: [[0, 1]] }
  expect(questionText({ ...asked, ties }, 'table').split('\n')).toEqual([
    '4  Most popular',
    '  tie  name  count',
    '  =    a         2',
    '  =    b         2',
    '       c         1',
    '   Ties: 2 rows share one place (equal in count).',
    '',
  ])
  expect(questionText({ ...asked, ties: { ...ties, places: [] } }, 'table')).not.toContain('tie')
})

test('an answer without rows says so, one that was cut says by how much', () => {
  expect(questionText({ ...asked, rows: [] }, 'table')).toContain('No rows: nothing in these tables')
  expect(questionText({ ...asked, rowCount: 1_203 }, 'table')).toContain('1200 more rows were not kept')
})

test('versions, and the age of the newest records in them', () => {
  const other = { ...asked, tables: { 'batch.pin': { version: 4, definition: 'd', dataTimeMs: null } } }
  expect(tablesText([asked, other], 1_000 + 3 * 60_000)).toBe(
    'Table versions: batch.pin 3 and 4. Newest records 3 minutes ago (1970-01-01T00:00:01Z).',
  )
  expect(ageText(-5_000)).toContain('to come')
  expect(ageText(30 * 3_600_000)).toBe('30 hours ago')
})
