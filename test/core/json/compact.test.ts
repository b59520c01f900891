import { expect, test } from 'vitest'
import { compact, scan, stringOf } from '../../../src/core/json/index.ts'

function rootOf(bytes: Buffer, levels = 0) {
  const text = scan(bytes, levels)
  if (!text.ok) throw new Error(text.message)
  return text.root
}

test('numbers, escapes, order and repeated members stay as they were sent', () => {
  const bytes = Buffer.from(
    '{ "b" : 12345678901234567890.10E+02 ,\r\n\t"\\u0061" : "x\\/ y\\"  " , "b":[ ] }',
  )
  const kept = '{"b":12345678901234567890.10E+02,"\\u0061":"x\\/ y\\"  ","b":[]}'
  expect(compact(bytes, rootOf(bytes)).toString()).toBe(kept)
})

test('a node without white space is a view of the bytes, not a copy', () => {
  const bytes = Buffer.from(' [{"a":"b c"}] ')
  const [element] = rootOf(bytes, 1).elements ?? []
  const kept = compact(bytes, element!)
  expect(kept.toString()).toBe('{"a":"b c"}')
  expect(kept.buffer).toBe(bytes.buffer)
  expect(kept.byteOffset).toBe(bytes.byteOffset + 2)
})

test('bytes that are no UTF-8 stay as they are', () => {
  const bytes = Buffer.from([0x5b, 0x20, 0x22, 0xff, 0x20, 0xc3, 0x22, 0x0a, 0x5d])
  expect(compact(bytes, rootOf(bytes))).toEqual(Buffer.from([0x5b, 0x22, 0xff, 0x20, 0xc3, 0x22, 0x5d]))
})

test('text is decoded: escapes, pairs, halves of pairs, and U+FFFD for what is no UTF-8', () => {
  const read = (bytes: Buffer) => stringOf(bytes, rootOf(bytes))
  expect(read(Buffer.from(' "a\\n\\u00e9é\\ud83d\\ude00😀\\/" '))).toBe('a\né' + 'é😀😀/')
  expect(read(Buffer.from('"\\ud800"'))).toBe('\ud800')
  expect(read(Buffer.from([0x22, 0x61, 0xff, 0x22]))).toBe('a\ufffd')
})
