/**
 * JSON objects with a checksum, for what is small, decides much, and is not in a database: one line whose last member,
 * `"crc32":"<8 digits>"`, hexadecimal, is of every byte before its comma. A changed bit does not read as another number.
 */
import { crc32 } from 'node:zlib'

const sealBytes = ',"crc32":"00000000"}\n'.length

/** @param value an object with at least one member, none of them `crc32` */
export function sealJson(value: object): Buffer {
  const body = JSON.stringify(value).slice(0, -1)
  return Buffer.from(`${body},"crc32":"${checksum(Buffer.from(body))}"}\n`)
}

/**
 * What was sealed.
 *
 * @throws Error when a byte is not as it was written
 */
export function openSealedJson(content: Buffer): unknown {
  const body = content.subarray(0, Math.max(content.length - sealBytes, 0))
  const seal = content.subarray(body.length).toString('latin1')
  if (seal !== `,"crc32":"${checksum(body)}"}\n`) throw new Error('it does not match its checksum')
  return JSON.parse(`${body.toString()}}`)
}

function checksum(body: Buffer): string {
  return crc32(body).toString(16).padStart(8, '0')
}
