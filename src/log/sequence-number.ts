/**
 * A Kinesis sequence number is a 186-bit number, written in decimal (56 digits); in hexadecimal digits:
 *
 *     2 | creation of the shard, s (9) | shard mod 16 (1) | offset (16) | 00 | append time, s (9) | shard (8) | 2
 *
 * Nothing of it is stored: it follows from a record's place and times, and rises with the offset of a shard.
 */
export interface SequencePlace {
  shardCreatedMs: number
  shard: number
  offset: number
  appendTimeMs: number
}

const secondsMax = 2n ** 36n

/** Times are kept in whole seconds. */
export function encodeSequenceNumber({ shardCreatedMs, shard, offset, appendTimeMs }: SequencePlace): string {
  const created = BigInt(Math.floor(shardCreatedMs / 1000)) % secondsMax
  const appended = BigInt(Math.floor(appendTimeMs / 1000)) % secondsMax
  let number = 2n
  number = (number << 36n) | created
  number = (number << 4n) | BigInt(shard & 0xf)
  number = (number << 64n) | BigInt(offset)
  number = (number << 8n) << 36n
  number = ((number | appended) << 32n) | BigInt(shard)
  return ((number << 4n) | 2n).toString()
}

/** @returns undefined for anything that `encodeSequenceNumber` does not give */
export function decodeSequenceNumber(text: string): SequencePlace | undefined {
  if (!/^[1-9]\d{55}$/.test(text)) return undefined
  const digits = BigInt(text).toString(16)
  const parts = /^2(.{9})(.)(.{16})00(.{9})(.{8})2$/.exec(digits)
  if (!parts) return undefined
  const [created, nibble, offset, appended, shard] = parts.slice(1).map((part) => Number.parseInt(part, 16))
  if (!Number.isSafeInteger(offset) || (shard! & 0xf) !== nibble) return undefined
  return { shardCreatedMs: created! * 1000, shard: shard!, offset: offset!, appendTimeMs: appended! * 1000 }
}
