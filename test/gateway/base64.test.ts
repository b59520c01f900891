import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase64 } from '../../src/gateway/base64.ts'

test('bytes come back, padded or not', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      expect(decodeBase64(text)).toEqual(Buffer.from(bytes))
      expect(decodeBase64(text.replace(/=+$/, ''))).toEqual(Buffer.from(bytes))
    }),
  )
})

test('anything else is refused', () => {
  for (const text of [
    'a',
    'ab=',
    'abc==',
    'a===',
    '=',
    'ab-_',
    'ab c',
    'abcd=',
    'ab\ncd',
    'äbcd',
    'YQ==YQ==',
  ]) {
    expect(decodeBase64(text), text).toBeUndefined()
  }
})
