import type { JsonFault } from './node.ts'
import { isDigit, isNumberStart, literalAt } from './token.ts'

/** Something else stands at `at` than `expected`. */
export function unexpected(bytes: Buffer, at: number, expected: string): JsonFault {
  return { ok: false, message: `expected ${expected}, found ${found(bytes, at)}`, at }
}

/** The token that begins at `start` is broken at `at`. */
export function brokenToken(bytes: Buffer, start: number, at: number): JsonFault {
  const first = bytes[start]!
  if (first === 0x22) return brokenString(bytes, at)
  if (isNumberStart(first)) {
    const led = at < bytes.length && isDigit(bytes[at]!)
    return led
      ? { ok: false, message: 'a number must not begin with 0', at }
      : unexpected(bytes, at, 'a digit')
  }
  return unexpected(bytes, at, literalAt(bytes, start) ?? 'a value')
}

function brokenString(bytes: Buffer, at: number): JsonFault {
  if (at >= bytes.length) return { ok: false, message: 'the text ends inside a string', at }
  if (bytes[at]! < 0x20) {
    return {
      ok: false,
      message: `a string holds ${found(bytes, at)}, which must be written as an escape`,
      at,
    }
  }
  return unexpected(bytes, at, 'one of " \\ / b f n r t, or u and four hexadecimal digits, after a backslash')
}

function found(bytes: Buffer, at: number): string {
  if (at >= bytes.length) return 'the end of the text'
  if (at === 0 && bytes.subarray(0, 3).equals(Buffer.of(0xef, 0xbb, 0xbf))) return 'a byte order mark'
  const byte = bytes[at]!
  if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte)
  if (byte === 0x20) return 'a blank'
  const code = `0x${byte.toString(16).padStart(2, '0')}`
  return byte < 0x20 ? `the control character ${code}` : `the byte ${code}`
}
