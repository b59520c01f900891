import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scan } from '../../src/core/index.ts'
import { lineOf, valueIn } from '../../src/lake/index.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const wrapped = (value: string | Uint8Array): string =>
  `{"$pinflow":{"base64":"${Buffer.from(value).toString('base64')}"}}`

const standing = [
  '{}',
  '[]',
  'null',
  '0',
  '""',
  '"$pinflow"',
  ' {"a" : 1}\t',
  '{"big":12345678901234567890,"much":1e400,"none":-0}',
  '{"a":"\\u0000\\n\\r\\"\\/é\u{1f4cc}\u2028"}',
  '{"a":"\\ud83d\\udccc"}',
  '{"a":{"$pinflow":1}}',
  '[{"$pinflow":1}]',
  '{"pinflow":1,"$pin":2,"$pinflow ":3,"$PINFLOW":4}',
  '{"a":{"b":1},"c":{"b":1}}',
  nested(100),
]

const wrapping = [
  '',
  ' ',
  'text',
  '\ufeff{}',
  '{}{}',
  '{"a":1}\n',
  '{"a":1}\r',
  '{\n"a":1}',
  '{"a":"\n"}',
  '[1,]',
  "{'a':1}",
  'NaN',
  '01',
  '{"a":1,"a":1}',
  '{"a":1,"\\u0061":2}',
  '{"a":[{"b":1,"b":2}]}',
  '"\\ud800"',
  '{"\\udccc":1}',
  nested(101),
  nested(20_000),
  '{"$pinflow":1}',
  '{"a":1,"$pinflow":null}',
  '{"\\u0024pinflow":1}',
  '{"$pi\\u006eflow":1}',
  '{"\\u0024\\u0070\\u0069\\u006e\\u0066\\u006c\\u006f\\u0077":1}',
  '{"$pinflow":{"base64":null}}',
  '{"$pinflow":{"base64":"e30="}}',
]

test.each(standing)('%j is a line as it is', (value) => {
  expect(String(lineOf(Buffer.from(value)))).toBe(value)
  expect(String(valueIn(Buffer.from(value)))).toBe(value)
})

test.each(wrapping.map((value) => value.slice(0, 60)).filter((value) => value.length < 60))(
  '%j is wrapped',
  (value) => {
    expect(String(lineOf(Buffer.from(value)))).toBe(wrapped(value))
  },
)

test.each(wrapping.filter((value) => value.length >= 60).map((value) => value.length))(
  'a text of %i brackets is wrapped',
  (length) => {
    const value = nested(length / 2)
    expect(String(lineOf(Buffer.from(value)))).toBe(wrapped(value))
  },
)

test.each([[[0xff]], [[0x22, 0xc3, 0x22]], [[0x22, 0xed, 0xa0, 0x80, 0x22]], [[0x22, 0x00, 0x22]], [[0]]])(
  'the bytes %j are wrapped',
  (bytes) => {
    const value = Buffer.from(bytes)
    expect(String(lineOf(value))).toBe(wrapped(value))
    expect(valueIn(lineOf(value))).toEqual(value)
  },
)

test('a null value is a line of its own, and no bytes are another', () => {
  expect(String(lineOf(null))).toBe('{"$pinflow":{"base64":null}}')
  expect(valueIn(lineOf(null))).toBeNull()
  expect(valueIn(lineOf(Buffer.alloc(0)))).toEqual(Buffer.alloc(0))
})

const anyBytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array))
/** Texts in which the marks of JSON and of wrapping are common. */
const marks = fc
  .array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '$pinflow',
      '\\u0024',
      'base64',
      '1',
      ' ',
      '\n',
      '\\ud800',
      'é',
    ),
    {
      maxLength: 25,
    },
  )
  .map((parts) => Buffer.from(parts.join('')))
const name = fc.oneof(fc.string({ maxLength: 3 }), fc.constant('$pinflow'))
const documents = fc
  .tuple(fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }), fc.constantFrom(0, 1))
  .map(([value, indent]) => Buffer.from(JSON.stringify(value, null, indent)))

test('any value comes back byte for byte, from one line of strict JSON', () => {
  fc.assert(
    fc.property(fc.oneof(anyBytes, marks, documents), (value) => {
      const line = lineOf(value)
      expect(valueIn(line)).toEqual(value)
      expect(line.includes('\n') || line.includes('\r')).toBe(false)
      const text = scan(line, 1)
      expect(text.ok && text.flaw === undefined).toBe(true)
      // What is wrapped is told from what stands by this member alone.
      const isWrapped = text.ok && text.root.members?.some(({ name }) => name === '$pinflow')
      expect(isWrapped ?? false).toBe(!line.equals(value))
    }),
    { numRuns: 3_000 },
  )
})

test('the largest record comes back', () => {
  const value = Buffer.alloc(10 * 2 ** 20, 0xff)
  expect(valueIn(lineOf(value))?.equals(value)).toBe(true)
})

test.each(['', '1}}', '"', '""', '""}', '""}}}', '"a b"}}', '"\\u0041"}}', 'nul}}', '""}} '])(
  'a line that begins as a wrapped value and goes on with %j is damage',
  (rest) => {
    const line = Buffer.from(`{"$pinflow":{"base64":${rest}`)
    expect(() => valueIn(line)).toThrow(expect.objectContaining({ code: 'LAKE_DAMAGED' }))
  },
)
