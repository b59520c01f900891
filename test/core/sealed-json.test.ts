import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSealedJson, sealJson } from '../../src/core/index.ts'

const objects = fc
  .dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 })
  .filter((value) => !('crc32' in value))

test('what was sealed is opened, and is one line of JSON for everybody', () => {
  fc.assert(
    fc.property(objects, (value) => {
      const sealed = sealJson(value)
      expect(openSealedJson(sealed)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(JSON.parse(String(sealed))).toMatchObject(JSON.parse(JSON.stringify(value)))
      expect(String(sealed)).toMatch(/^[^\n]*\n$/)
    }),
  )
})

test('any other byte anywhere, and any other length, is noticed', () => {
  fc.assert(
    fc.property(objects, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, position, change) => {
      const sealed = sealJson(value)
      const changed = Buffer.from(sealed)
      changed[position % changed.length]! ^= change
      expect(() => openSealedJson(changed)).toThrow('checksum')
      expect(() => openSealedJson(sealed.subarray(0, position % sealed.length))).toThrow('checksum')
      expect(() => openSealedJson(Buffer.concat([sealed, Buffer.from('\n')]))).toThrow('checksum')
    }),
  )
})
