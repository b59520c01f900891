import { readSync } from 'node:fs'

/** A number that is no safe integer is none that was written. */
export function uint64(content: Buffer, at: number): number {
  const number = content.readUInt32LE(at) + content.readUInt32LE(at + 4) * 2 ** 32
  if (Number.isSafeInteger(number)) return number
  throw new Error(`${number} is no number of a page or transaction`)
}

export function readAt(file: number, position: number, length: number): Buffer {
  const content = Buffer.allocUnsafe(length)
  return content.subarray(0, readSync(file, content, 0, length, position))
}

export function isZero(content: Buffer): boolean {
  return content.every((byte) => byte === 0)
}
