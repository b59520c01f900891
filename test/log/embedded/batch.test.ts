import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NewRecord } from '../../../src/core/index.ts'
import { decodeHeader, decodeRecords, encodeBatch, refusalOf } from '../../../src/log/embedded/batch.ts'
import { given, newRecord, wellFormed } from '../../contract/log.ts'

const records = fc.array(newRecord, { minLength: 1, maxLength: 20 })
const offset = fc.oneof(fc.nat(), fc.maxSafeNat())

test('a batch gives back its records, offsets, times and sizes', () => {
  fc.assert(
    fc.property(records, offset, fc.maxSafeNat(), (batch, baseOffset, appendTimeMs) => {
      const encoded = encodeBatch(batch, baseOffset, appendTimeMs, 7)
      const header = decodeHeader(encoded, 7)!
      const size = ({ key, value }: NewRecord) => (key?.length ?? 0) + (value?.length ?? 0)
      const bytes = batch.reduce((sum, record) => sum + size(record), 0)
      expect(header).toEqual({ baseOffset, appendTimeMs, count: batch.length, bytes })
      const found = [...decodeRecords(encoded, header, 't', 7)]
      expect(found.map(given)).toEqual(batch.map(wellFormed))
      for (const [place, record] of found.entries())
        expect(record).toMatchObject({ topic: 't', partition: 7, offset: baseOffset + place, appendTimeMs })
    }),
  )
})

test('any other byte anywhere is noticed', () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, position, change) => {
      const encoded = encodeBatch(batch, 0, 0, 7)
      encoded[position % encoded.length]! ^= change
      expect(decodeHeader(encoded, 7)).toBeUndefined()
    }),
  )
})

test('a batch in another place is noticed', () => {
  const encoded = encodeBatch([{ key: null, value: Buffer.from('value') }], 0, 0, 7)
  expect(decodeHeader(encoded, 6)).toBeUndefined()
})

test('a batch that is cut short, or has more at its end, is noticed', () => {
  const encoded = encodeBatch([{ key: null, value: Buffer.from('value') }], 0, 0, 7)
  for (let size = 0; size < encoded.length; size++)
    expect(decodeHeader(encoded.subarray(0, size), 7)).toBeUndefined()
  expect(decodeHeader(Buffer.concat([encoded, Buffer.from('x')]), 7)).toBeUndefined()
})

test('what the format has no room for is refused, up to the limit it is taken', () => {
  const headers = (count: number) => Array.from({ length: count }, (): [string, null] => ['', null])
  const record = { key: null, value: null }
  expect(refusalOf({ ...record, headers: headers(65_536) }, 1e9)).toMatch('65536 headers')
  expect(refusalOf({ ...record, headers: [['é'.repeat(32_768), null]] }, 1e9)).toMatch('65536 bytes')
  for (const most of [{ headers: headers(65_535) }, { headers: [['x'.repeat(65_535), null] as const] }]) {
    expect(refusalOf({ ...record, ...most }, 1e9)).toBeUndefined()
    const encoded = encodeBatch([{ ...record, ...most }], 0, 0, 7)
    const [found] = decodeRecords(encoded, decodeHeader(encoded, 7)!, 't', 0)
    expect(found?.headers).toEqual(most.headers)
  }
})

test('a limit of bytes holds for key, value, header names and header values together', () => {
  const record: NewRecord = {
    key: Buffer.alloc(1),
    value: Buffer.alloc(2),
    headers: [['é', Buffer.alloc(3)]],
  }
  expect(refusalOf(record, 8)).toBeUndefined()
  expect(refusalOf(record, 7)).toBe('8 bytes, the limit is 7')
})
