import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  hashRange,
  kafkaPartition,
  kinesisHash,
  kinesisPartition,
  murmur2,
} from '../../src/log/partitioner.ts'

const hashMax = 2n ** 128n - 1n
const shardCount = fc.integer({ min: 1, max: 500 })

describe('murmur2', () => {
  // The first six are those of Kafka's own UtilsTest.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
    ['', 275646681],
  ])('hashes %j as Kafka does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  test('is a signed 32-bit number for any bytes, and does not depend on where they lie', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(7), (key, shift) => {
        const hash = murmur2(Buffer.from(key))
        expect(hash).toBe(hash | 0)
        const moved = Buffer.concat([Buffer.alloc(shift, 0xff), key, Buffer.alloc(3, 0xff)])
        expect(murmur2(moved.subarray(shift, shift + key.length))).toBe(hash)
      }),
    )
  })
})

describe('kafkaPartition', () => {
  test('clears the sign and takes the remainder', () => {
    expect(kafkaPartition(Buffer.from('foobar'), 10)).toBe(6)
    expect(kafkaPartition(Buffer.from('foobar'), 50)).toBe(16)
    expect(kafkaPartition(Buffer.from('abc'), 1)).toBe(0)
  })

  test('is one of the partitions', () => {
    fc.assert(
      fc.property(fc.uint8Array(), shardCount, (key, partitions) => {
        const partition = kafkaPartition(Buffer.from(key), partitions)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(partitions)
      }),
    )
  })
})

describe('kinesis', () => {
  test('a hash is MD5, most significant byte first', () => {
    expect(kinesisHash(Buffer.from(''))).toBe(0xd41d8cd98f00b204e9800998ecf8427en)
    expect(kinesisHash(Buffer.from('abc'))).toBe(0x900150983cd24fb0d6963f7d28e17f72n)
  })

  test('ranges are those of the service', () => {
    expect(hashRange(0, 1)).toEqual({ start: 0n, end: hashMax })
    expect(hashRange(1, 3)).toEqual({
      start: 113427455640312821154458202477256070485n,
      end: 226854911280625642308916404954512140969n,
    })
    expect(hashRange(2, 3)).toEqual({ start: 226854911280625642308916404954512140970n, end: hashMax })
    // Where rounding each border by itself would give another one.
    expect(hashRange(2, 6)).toEqual({
      start: 113427455640312821154458202477256070484n,
      end: 170141183460469231731687303715884105725n,
    })
  })

  test('ranges follow one another without gap from 0 to 2^128 − 1', () => {
    fc.assert(
      fc.property(shardCount, (shards) => {
        let next = 0n
        for (let shard = 0; shard < shards; shard++) {
          const { start, end } = hashRange(shard, shards)
          expect(start).toBe(next)
          expect(end).toBeGreaterThanOrEqual(start)
          next = end + 1n
        }
        expect(next).toBe(hashMax + 1n)
      }),
      { numRuns: 30 },
    )
  })

  test('the shard of a hash is the one whose range holds it, both ends included', () => {
    const hash = fc.bigInt({ min: 0n, max: hashMax })
    fc.assert(
      fc.property(hash, shardCount, fc.nat(), (any, shards, some) => {
        const { start, end } = hashRange(kinesisPartition(any, shards), shards)
        expect(start <= any && any <= end).toBe(true)
        const shard = some % shards
        const range = hashRange(shard, shards)
        expect(kinesisPartition(range.start, shards)).toBe(shard)
        expect(kinesisPartition(range.end, shards)).toBe(shard)
      }),
    )
  })
})
