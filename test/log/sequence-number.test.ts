import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSequenceNumber, encodeSequenceNumber } from '../../src/log/sequence-number.ts'

const ms = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000)
const place = fc.record({
  shardCreatedMs: ms,
  shard: fc.integer({ min: 0, max: 99_999 }),
  offset: fc.maxSafeNat(),
  appendTimeMs: ms,
})

test('a place comes back', () => {
  fc.assert(
    fc.property(place, (given) => {
      expect(decodeSequenceNumber(encodeSequenceNumber(given))).toEqual(given)
    }),
  )
})

test('numbers of a shard have 56 digits and rise with the offset, whatever the time', () => {
  fc.assert(
    fc.property(place, ms, (given, later) => {
      const next = { ...given, offset: given.offset + 1, appendTimeMs: later }
      const [first, second] = [encodeSequenceNumber(given), encodeSequenceNumber(next)]
      expect(first).toMatch(/^\d{56}$/)
      expect(first < second).toBe(true)
    }),
  )
})

test('the layout is that of Kinesis', () => {
  const at = { shardCreatedMs: 1_600_000_000_000, shard: 17, offset: 5, appendTimeMs: 1_600_000_001_999 }
  const number = encodeSequenceNumber(at)
  const parts = ['2', '05f5e1000', '1', '0000000000000005', '00', '05f5e1001', '00000011', '2']
  expect(BigInt(number).toString(16)).toBe(parts.join(''))
  expect(number).toMatch(/^49/)
})

test('anything else is no sequence number', () => {
  const number = encodeSequenceNumber({ shardCreatedMs: 0, shard: 1, offset: 0, appendTimeMs: 0 })
  for (const text of [
    '',
    '0',
    'x',
    number.slice(1),
    `${number}0`,
    (BigInt(number) + 1n).toString(),
    ` ${number}`,
  ]) {
    expect(decodeSequenceNumber(text), text).toBeUndefined()
  }
})
