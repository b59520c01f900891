import { createHash } from 'node:crypto'

/**
 * Which partition a key belongs to, for both partitioners of `log.ts`. Senders rely on these to be Kafka's and
 * Kinesis's own, and a topic's records lie by them for ever: they never change.
 */

/** Kafka's 32-bit murmur2, signed. @see org.apache.kafka.common.utils.Utils.murmur2 */
export function murmur2(key: Buffer): number {
  const m = 0x5bd1e995
  const { length } = key
  const tail = length & ~3
  let hash = 0x9747b28c ^ length
  for (let at = 0; at < tail; at += 4) {
    let word = Math.imul(key.readInt32LE(at), m)
    word ^= word >>> 24
    hash = Math.imul(hash, m) ^ Math.imul(word, m)
  }
  if (length > tail) {
    for (let at = length - 1; at >= tail; at--) hash ^= key[at]! << (8 * (at - tail))
    hash = Math.imul(hash, m)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, m)
  return hash ^ (hash >>> 15)
}

/** The partition, 0 … partitions − 1, that Kafka's own producers choose for a key. */
export function kafkaPartition(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** Hashes lie in 0 … 2^128 − 1. */
const hashes = 2n ** 128n

/** The hash of a partition key (its UTF-8 bytes): MD5 as a number, most significant byte first. */
export function kinesisHash(key: Buffer): bigint {
  return BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
}

/**
 * The hashes of a shard, 0 … shards − 1, of a stream made with so many: all of one width, rounded down, and the
 * last takes what is left. Both ends belong to it.
 */
export function hashRange(shard: number, shards: number): { start: bigint; end: bigint } {
  const width = hashes / BigInt(shards)
  const start = width * BigInt(shard)
  return { start, end: shard === shards - 1 ? hashes - 1n : start + width - 1n }
}

/** The shard whose range holds a hash. */
export function kinesisPartition(hash: bigint, shards: number): number {
  return Math.min(Number(hash / (hashes / BigInt(shards))), shards - 1)
}
