import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AddFile, TableSchema } from '../../../src/table/index.ts'
import { useBench } from '../support.ts'

const bench = useBench()

interface Stats {
  numRecords: number
  minValues: Record<string, unknown>
  maxValues: Record<string, unknown>
  nullCount: Record<string, number>
}
const statsOf = (add: AddFile | undefined) => JSON.parse(add!.stats!) as Stats

/** Stats of a one-column table of these SQL values. */
async function column(type: string, ...values: string[]) {
  const add = await bench.write(
    bench.table(),
    `SELECT * FROM (VALUES ${values.map((value) => `(${value})`).join(', ')}) AS t(c)`,
    [{ name: 'c', type }],
  )
  const { minValues, maxValues, nullCount, numRecords } = statsOf(add)
  expect(numRecords).toBe(values.length)
  return { min: minValues.c, max: maxValues.c, nulls: nullCount.c }
}

test('bounds and null counts of numbers, dates and times are those of the data', async () => {
  expect(await column('integer', '3', 'NULL', '-7')).toEqual({ min: -7, max: 3, nulls: 1 })
  expect(await column('byte', '-128', '127')).toEqual({ min: -128, max: 127, nulls: 0 })
  expect(await column('double', '1.5', '1e300', 'NULL')).toEqual({ min: 1.5, max: 1e300, nulls: 1 })
  expect(await column('float', '0.5', '-2')).toEqual({ min: -2, max: 0.5, nulls: 0 })
  expect(await column('date', "'2020-02-29'", "'0001-01-01'")).toEqual({
    min: '0001-01-01',
    max: '2020-02-29',
    nulls: 0,
  })
  expect(await column('timestamp', "'2020-01-01 00:00:00+00'", "'2020-01-01 02:00:00+01'")).toEqual({
    min: '2020-01-01T00:00:00.000Z',
    max: '2020-01-01T01:00:00.000Z',
    nulls: 0,
  })
})

test('long and decimal bounds keep every digit', async () => {
  const columns: TableSchema = [
    { name: 'l', type: 'long' },
    { name: 'd', type: 'decimal(38,4)' },
  ]
  const add = await bench.write(
    bench.table(),
    "SELECT 9007199254740993 AS l, '1234567890123456789012345678901234.5000' AS d",
    columns,
  )
  expect(add!.stats).toBe(
    '{"numRecords":1,"minValues":{"l":9007199254740993,"d":1234567890123456789012345678901234.5000},' +
      '"maxValues":{"l":9007199254740993,"d":1234567890123456789012345678901234.5000},"nullCount":{"l":0,"d":0}}',
  )
})

test('a bound that would be wrong or cannot be written is left out', async () => {
  const none = { min: undefined, max: undefined }
  expect(await column('double', '1.5::DOUBLE', "'nan'", 'NULL')).toEqual({ ...none, nulls: 1 })
  expect(await column('double', "'-inf'::DOUBLE", '1')).toEqual({ min: undefined, max: 1, nulls: 0 })
  expect(await column('float', "'inf'::DOUBLE", '1')).toEqual({ min: 1, max: undefined, nulls: 0 })
  expect(await column('integer', 'NULL', 'NULL')).toEqual({ ...none, nulls: 2 })
  expect(await column('boolean', 'true', 'NULL')).toEqual({ ...none, nulls: 1 })
  expect(await column('binary', "'\\xAA'::BLOB")).toEqual({ ...none, nulls: 0 })
  expect(await column('date', "'10000-01-01'", "'2020-01-01'")).toEqual({
    min: '2020-01-01',
    max: undefined,
    nulls: 0,
  })
  expect(
    await column('timestamp', "'0044-03-15 (BC) 00:00:00+00'", "'2020-01-01 00:00:00+00'"),
  ).toMatchObject({ min: undefined })
})

test('lists have neither bounds nor a null count', async () => {
  const type = { type: 'array', elementType: 'double', containsNull: true } as const
  const add = await bench.write(bench.table(), 'SELECT [1.0, 2.0] AS l', [{ name: 'l', type }])
  expect(statsOf(add)).toEqual({ numRecords: 1, minValues: {}, maxValues: {}, nullCount: {} })
})

test('NaN in any row group takes the bounds away', async () => {
  for (const at of [3, 130_000, 249_999]) {
    const sql = `SELECT CASE WHEN x = ${at} THEN 'nan'::DOUBLE ELSE x::DOUBLE END AS d, x::FLOAT AS f FROM range(250000) AS t(x)`
    const columns: TableSchema = [
      { name: 'd', type: 'double' },
      { name: 'f', type: 'float' },
    ]
    const { minValues, maxValues } = statsOf(await bench.write(bench.table(), sql, columns))
    expect([minValues, maxValues]).toEqual([{ f: 0 }, { f: 249_999 }])
  }
})

test('a maximum of microseconds is rounded up, a minimum down, and nothing is said beyond the year 9999', async () => {
  const both = (text: string) => column('timestamp', `'${text}+00'`)
  expect(await both('2020-01-01 00:00:00.123456')).toMatchObject({
    min: '2020-01-01T00:00:00.123Z',
    max: '2020-01-01T00:00:00.124Z',
  })
  expect(await both('1969-12-31 23:59:59.999001')).toMatchObject({
    min: '1969-12-31T23:59:59.999Z',
    max: '1970-01-01T00:00:00.000Z',
  })
  expect(await both('0001-01-01 00:00:00')).toMatchObject({
    min: '0001-01-01T00:00:00.000Z',
    max: '0001-01-01T00:00:00.000Z',
  })
  expect(await both('9999-12-31 23:59:59.999')).toMatchObject({ max: '9999-12-31T23:59:59.999Z' })
  expect(await both('9999-12-31 23:59:59.999999')).toMatchObject({
    min: '9999-12-31T23:59:59.999Z',
    max: undefined,
  })
})

test('a text bound is at most 32 characters, cut upwards for a maximum, never through an emoji', async () => {
  const text = (value: string) => column('string', `'${value}'`)
  expect(await text('ü'.repeat(32))).toMatchObject({ min: 'ü'.repeat(32), max: 'ü'.repeat(32) })
  expect(await text('z'.repeat(33))).toMatchObject({ min: 'z'.repeat(32), max: `${'z'.repeat(31)}{` })
  expect(await text(`${'a'.repeat(31)}😀😀`)).toMatchObject({
    min: `${'a'.repeat(31)}😀`,
    max: `${'a'.repeat(31)}😁`,
  })
  expect(await text(`${'a'.repeat(31)}\ud7ff!`)).toMatchObject({ max: `${'a'.repeat(31)}\ue000` })
  expect(await text(`a${'\u{10ffff}'.repeat(40)}`)).toMatchObject({ max: 'b' })
  expect(await text('\u{10ffff}'.repeat(40))).toMatchObject({ max: undefined })
  expect(await column('string', "''", "'a' || chr(0) || 'b'")).toMatchObject({ min: '', max: 'a\0b' })
})

const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const character = fc.constantFrom('a', 'z', 'ü', '😀', '\ud7ff', '\uffff', '\u{10ffff}', '\0', "'", '"')
const long = fc.string({ unit: character, minLength: 28, maxLength: 300 })
const short = fc.string({ unit: character, maxLength: 5 })

test('whatever the texts, every one of them lies within the bounds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(short, long, fc.constant(null)), { minLength: 1, maxLength: 6 }),
      async (texts) => {
        const table = bench.table()
        const values = texts.map((text) =>
          text === null ? 'NULL' : [...text].map((c) => `chr(${c.codePointAt(0)})`).join('||') || "''",
        )
        const add = await bench.write(table, `SELECT unnest([${values}]::VARCHAR[]) AS c`, [
          { name: 'c', type: 'string' },
        ])
        const { minValues, maxValues, nullCount } = statsOf(add)
        const [min, max] = [minValues.c, maxValues.c] as (string | undefined)[]
        for (const text of texts) {
          if (text === null) continue
          if (min !== undefined) expect(compare(min, text)).toBeLessThanOrEqual(0)
          if (max !== undefined) expect(compare(max, text)).toBeGreaterThanOrEqual(0)
        }
        for (const bound of [min, max]) expect([...(bound ?? '')].length).toBeLessThanOrEqual(32)
        expect(nullCount.c).toBe(texts.filter((text) => text === null).length)
      },
    ),
    { numRuns: 60 },
  )
})
