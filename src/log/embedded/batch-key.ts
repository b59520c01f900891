/**
 * The key of a record batch in a segment, all numbers big-endian, so that keys sort as batches follow one another:
 *
 *      0  u32  topic id
 *      4  u32  partition
 *      8  u64  base offset
 *     16  u32  CRC-32 (IEEE) of the bytes before; it is also what the batch's own checksum begins with
 */
import { crc32 } from 'node:zlib'

const placeBytes = 16
const keyBytes = 20

export function encodeKey(topicId: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(keyBytes)
  placeOf(topicId, partition, offset).copy(key)
  key.writeUInt32BE(crc32(key.subarray(0, placeBytes)), placeBytes)
  return key
}

/** Sorts before the key of a batch at an offset, and after the keys of those before it. */
export function keyBefore(topicId: number, partition: number, offset: number): Buffer {
  return placeOf(topicId, partition, offset)
}

/** Sorts after the key of a batch at an offset, and before the keys of those after it. */
export function keyAfter(topicId: number, partition: number, offset: number): Buffer {
  return Buffer.concat([placeOf(topicId, partition, offset), Buffer.alloc(keyBytes - placeBytes + 1, 0xff)])
}

/** Whether these bytes are a key as it was written. */
export function isKey(key: Buffer): boolean {
  return key.length === keyBytes && checksumIn(key) === crc32(key.subarray(0, placeBytes))
}

/** Of the place: what the batch's checksum begins with. */
export function checksumIn(key: Buffer): number {
  return key.readUInt32BE(placeBytes)
}

export function placeIn(key: Buffer): { topicId: number; partition: number; offset: number } {
  return {
    topicId: key.readUInt32BE(0),
    partition: key.readUInt32BE(4),
    offset: Number(key.readBigUInt64BE(8)),
  }
}

function placeOf(topicId: number, partition: number, offset: number): Buffer {
  const place = Buffer.allocUnsafe(placeBytes)
  place.writeUInt32BE(topicId, 0)
  place.writeUInt32BE(partition, 4)
  place.writeBigUInt64BE(BigInt(offset), 8)
  return place
}
