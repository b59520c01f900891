/**
 * A record batch as a value of a segment: what one append put into one partition. All numbers little-endian.
 *
 *     0  u8   format, 1
 *     1  u8   0
 *     2  u16  0
 *     4  u32  CRC-32 (IEEE) of the batch's place and every byte from 8 on
 *     8  f64  base offset            a safe integer
 *    16  f64  append time, ms        a safe integer
 *    24  u32  number of records      at least 1
 *    28  u32  bytes of all keys and values
 *    32  records, each:
 *          f64  timestamp, ms
 *          u32  key length + 1       0: no key
 *          u32  value length + 1     0: null
 *          u16  number of headers
 *          headers, each: u16 name length, u32 value length + 1 (0: null), name (UTF-8), value
 *          key, value
 *
 * The batch's place is the 16 bytes of its key (`batch-key.ts`): in another place a batch does not match its checksum.
 * A record's offset is the base offset plus its place. Records of a batch are decoded as views of its bytes.
 */
import { crc32 } from 'node:zlib'
import type { Header, LogRecord, NewRecord } from '../../core/index.ts'

const format = 1
const batchHeaderBytes = 32
const recordHeaderBytes = 18
const headerFramingBytes = 6
const u16Max = 65_535

export interface BatchHeader {
  baseOffset: number
  appendTimeMs: number
  count: number
  /** Bytes of all keys and values. */
  bytes: number
}

/**
 * What keeps a record out of the log, after "it has"; undefined when nothing does.
 *
 * @param bytesMax of key, value and headers (names and values) together
 */
export function refusalOf(record: NewRecord, bytesMax: number): string | undefined {
  const { headers = [] } = record
  const framing = recordHeaderBytes + headers.length * headerFramingBytes
  const bytes = encodedBytes(record) - framing
  if (bytes > bytesMax) return `${bytes} bytes, the limit is ${bytesMax}`
  if (headers.length > u16Max) return `${headers.length} headers, the limit is ${u16Max}`
  const long = headers.find(([name]) => Buffer.byteLength(name) > u16Max)
  return long && `a header name of ${Buffer.byteLength(long[0])} bytes, the limit is ${u16Max}`
}

/** Bytes of a record in a batch. */
export function encodedBytes(record: NewRecord): number {
  let bytes = recordHeaderBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers ?? [])
    bytes += headerFramingBytes + Buffer.byteLength(name) + (value?.length ?? 0)
  return bytes
}

/** @param place checksum of the batch's place */
export function encodeBatch(
  records: readonly NewRecord[],
  baseOffset: number,
  appendTimeMs: number,
  place: number,
): Buffer {
  const size = records.reduce((sum, record) => sum + encodedBytes(record), batchHeaderBytes)
  const batch = Buffer.allocUnsafe(size)
  let payload = 0
  let at = batchHeaderBytes
  for (const record of records) {
    const { key, value, headers = [] } = record
    batch.writeDoubleLE(record.timestampMs ?? appendTimeMs, at)
    batch.writeUInt32LE(key === null ? 0 : key.length + 1, at + 8)
    batch.writeUInt32LE(value === null ? 0 : value.length + 1, at + 12)
    batch.writeUInt16LE(headers.length, at + 16)
    at += recordHeaderBytes
    for (const header of headers) at = writeHeader(batch, header, at)
    if (key) at += key.copy(batch, at)
    if (value) at += value.copy(batch, at)
    payload += (key?.length ?? 0) + (value?.length ?? 0)
  }
  batch.writeUInt32LE(format, 0)
  batch.writeDoubleLE(baseOffset, 8)
  batch.writeDoubleLE(appendTimeMs, 16)
  batch.writeUInt32LE(records.length, 24)
  batch.writeUInt32LE(payload, 28)
  batch.writeUInt32LE(crc32(batch.subarray(8), place), 4)
  return batch
}

/**
 * @param place checksum of the batch's place
 * @returns undefined when the bytes are no batch of this format or do not match their checksum
 */
export function decodeHeader(batch: Buffer, place: number): BatchHeader | undefined {
  if (batch.length < batchHeaderBytes || batch.readUInt32LE(0) !== format) return undefined
  if (batch.readUInt32LE(4) !== crc32(batch.subarray(8), place)) return undefined
  return {
    baseOffset: batch.readDoubleLE(8),
    appendTimeMs: batch.readDoubleLE(16),
    count: batch.readUInt32LE(24),
    bytes: batch.readUInt32LE(28),
  }
}

/** The records of a batch whose header was accepted. */
export function* decodeRecords(
  batch: Buffer,
  header: BatchHeader,
  topic: string,
  partition: number,
): Generator<LogRecord> {
  let at = batchHeaderBytes
  for (let place = 0; place < header.count; place++) {
    const timestampMs = batch.readDoubleLE(at)
    const keyLength = batch.readUInt32LE(at + 8) - 1
    const valueLength = batch.readUInt32LE(at + 12) - 1
    const headerCount = batch.readUInt16LE(at + 16)
    at += recordHeaderBytes
    const headers: Header[] = []
    for (let index = 0; index < headerCount; index++) {
      const nameLength = batch.readUInt16LE(at)
      const headerLength = batch.readUInt32LE(at + 2) - 1
      const nameEnd = at + 6 + nameLength
      const headerValue = headerLength < 0 ? null : batch.subarray(nameEnd, nameEnd + headerLength)
      headers.push([batch.toString('utf8', at + 6, nameEnd), headerValue])
      at = nameEnd + Math.max(headerLength, 0)
    }
    const key = keyLength < 0 ? null : batch.subarray(at, at + keyLength)
    at += Math.max(keyLength, 0)
    const value = valueLength < 0 ? null : batch.subarray(at, at + valueLength)
    at += Math.max(valueLength, 0)
    const offset = header.baseOffset + place
    yield { topic, partition, offset, key, value, headers, timestampMs, appendTimeMs: header.appendTimeMs }
  }
}

function writeHeader(batch: Buffer, [name, value]: Header, start: number): number {
  const nameLength = batch.write(name, start + 6)
  batch.writeUInt16LE(nameLength, start)
  batch.writeUInt32LE(value === null ? 0 : value.length + 1, start + 2)
  const at = start + 6 + nameLength
  return value ? at + value.copy(batch, at) : at
}
