import fc from 'fast-check'
import { expect, test } from 'vitest'
import { carries, keyParts, mayHold, parseKey } from '../../src/trace/key.ts'

const one = {
  key: ['ind'],
  schema: { ind: { type: 'integer', from: ['index', 'ind'] } },
} as const
const two = { key: ['tree', 'day'], schema: { tree: { type: 'text' }, day: { type: 'timestamp' } } } as const

test('a key is named as text, as JSON or with commas', () => {
  expect(parseKey('5', one)).toEqual(['5'])
  expect(parseKey('a,b', { key: ['name'] })).toEqual(['a,b'])
  expect(parseKey('T1, 2024-09-01', two)).toEqual(['T1', '2024-09-01'])
  expect(parseKey('["T,1","2024-09-01"]', two)).toEqual(['T,1', '2024-09-01'])
  expect(parseKey('{"day":"2024-09-01","tree":7}', two)).toEqual(['7', '2024-09-01'])
  expect(parseKey('T1', two)).toBeUndefined()
  expect(parseKey('["T1"]', two)).toBeUndefined()
  expect(parseKey('5', { key: [] })).toBeUndefined()
})

test.each([
  ['{"index":5}', true],
  ['{"ind": "005"}', true],
  ['{"ind":"+5"}', true],
  ['{"ind":"\\u0035"}', true],
  [' {"ind" : 5}', true],
  ['"{\\"ind\\":5}"', true],
  [Buffer.from('{"ind":5}').toString('base64'), true],
  ['{"ind":5,"title":"cut o', true],
  ['{"ind":55}', false],
  ['{"ind":-5}', false],
  ['{"other":5}', false],
  ['{"nested":{"ind":5}}', false],
  ['{"ind":"x5"}', false],
])('%s carries 5: %s', (value, expected) => {
  expect(carries(keyParts(one, ['5']), Buffer.from(value), null)).toBe(expected)
})

test('the record’s own key counts as well', () => {
  for (const key of ['5', '"5"']) expect(carries(keyParts(one, ['5']), null, Buffer.from(key))).toBe(true)
  expect(carries(keyParts(one, ['5']), null, Buffer.from('6'))).toBe(false)
  expect(carries(keyParts(one, ['5']), Buffer.from('{"name":"x"}'), Buffer.from('5'))).toBe(true)
})

test('but not where the value has a key: many records may be sent with one partition key', () => {
  expect(carries(keyParts(one, ['5']), Buffer.from('{"ind":7}'), Buffer.from('5'))).toBe(false)
})

test('bytes are passed over only where the record does not carry the key', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.constantFrom('a/b', 'a"b', 'a\\b'))
  fc.assert(
    fc.property(
      text,
      fc.constantFrom(JSON.stringify, escaped, shortly),
      fc.constantFrom('', ' ', '\n'),
      (key, write, space) => {
        const dataset = { key: ['name'], schema: { name: { type: 'text' } } } as const
        const value = Buffer.from(`{"a":1,"name"${space}:${space}${write(key)}}`)
        const parts = keyParts(dataset, [key])
        expect(carries(parts, value, null)).toBe(true)
        expect(mayHold(parts, value)).toBe(true)
      },
    ),
  )
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom('', '0', '00'), fc.boolean(), (number, zeros, quoted) => {
      const digits = `${number < 0 ? '-' : ''}${zeros}${Math.abs(number)}`
      const value = Buffer.from(`{"ind":${quoted ? `"${digits}"` : String(number)}}`)
      const parts = keyParts(one, [String(number)])
      expect(carries(parts, value, null)).toBe(true)
      expect(mayHold(parts, value)).toBe(true)
    }),
  )
})

/** A text as JSON, every character escaped. */
function escaped(text: string): string {
  return `"${text.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}

/** A text as JSON, with an escape that nothing asks for. */
function shortly(text: string): string {
  return JSON.stringify(text).replaceAll('/', '\\/')
}
