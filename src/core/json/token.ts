/**
 * Where the tokens of a JSON text end (RFC 8259, sections 3, 6 and 7). Each function is told where its token begins
 * and returns the byte after it; or, where there is no such token, the complement (`~`) of the byte that breaks it,
 * which is the text's length where the text ends too early.
 */

const quote = 0x22
const backslash = 0x5c
/** The letters that may stand behind a backslash, but for u. */
const escapable = new Set(Buffer.from('"\\/bfnrt'))

/** The strings of one text, and what was seen in them. */
export class Strings {
  /** Where the last escape stands, −1 before the first. */
  escapeAt = -1
  /** Where the first escape of half a surrogate pair stands, −1 without. */
  loneSurrogateAt = -1
  readonly #bytes: Buffer
  readonly #words: DataView

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** The end of the string whose opening quote stands at `start`. */
  end(start: number): number {
    const bytes = this.#bytes
    const words = this.#words
    const { length } = bytes
    const lastWord = length - 4
    let at = start + 1
    while (at <= lastWord && isPlain(words.getInt32(at, true))) at += 4
    while (at < length) {
      const byte = bytes[at]!
      if (byte === quote) return at + 1
      if (byte === backslash) {
        at = this.#escapeEnd(at)
        if (at < 0) return at
        while (at <= lastWord && isPlain(words.getInt32(at, true))) at += 4
      } else {
        if (byte < 0x20) return ~at
        at++
      }
    }
    return ~length
  }

  /** The end of an escape; a surrogate pair is one. */
  #escapeEnd(start: number): number {
    const bytes = this.#bytes
    this.escapeAt = start
    const letter = bytes[start + 1]
    if (letter === undefined) return ~bytes.length
    if (letter !== 0x75) return escapable.has(letter) ? start + 2 : ~(start + 1)
    const unit = hexadecimal(bytes, start + 2)
    const end = start + 6
    if (unit < 0) return unit
    if (unit < 0xd800 || unit > 0xdfff) return end
    if (unit < 0xdc00 && bytes[end] === backslash && bytes[end + 1] === 0x75) {
      const low = hexadecimal(bytes, end + 2)
      if (low >= 0xdc00 && low <= 0xdfff) return end + 6
    }
    if (this.loneSurrogateAt === -1) this.loneSurrogateAt = start
    return end
  }
}

/** Whether none of the four bytes is a quote, a backslash or a control character. */
function isPlain(word: number): boolean {
  const quotes = word ^ 0x22222222
  const backslashes = word ^ 0x5c5c5c5c
  const found =
    ((word - 0x20202020) & ~word) |
    ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes)
  return (found & 0x80808080) === 0
}

/** The value of four hexadecimal digits. */
function hexadecimal(bytes: Buffer, start: number): number {
  let value = 0
  for (let at = start; at < start + 4; at++) {
    if (at >= bytes.length) return ~bytes.length
    const byte = bytes[at]!
    const letter = byte | 0x20
    if (isDigit(byte)) value = value * 16 + byte - 0x30
    else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57
    else return ~at
  }
  return value
}

export function numberEnd(bytes: Buffer, start: number): number {
  const whole = bytes[start] === 0x2d ? start + 1 : start
  let at = digitsEnd(bytes, whole)
  if (at < 0) return at
  if (bytes[whole] === 0x30 && at > whole + 1) return ~(whole + 1)
  if (at < bytes.length && bytes[at] === 0x2e) {
    at = digitsEnd(bytes, at + 1)
    if (at < 0) return at
  }
  if (at < bytes.length && (bytes[at]! | 0x20) === 0x65) {
    const sign = bytes[at + 1]
    at = digitsEnd(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1)
  }
  return at
}

function digitsEnd(bytes: Buffer, start: number): number {
  let at = start
  while (at < bytes.length && isDigit(bytes[at]!)) at++
  return at === start ? ~at : at
}

/** The end of `true`, `false` or `null`. */
export function literalEnd(bytes: Buffer, start: number): number {
  const word = literalAt(bytes, start)
  if (word === undefined) return ~start
  for (let i = 1; i < word.length; i++) {
    if (start + i >= bytes.length || bytes[start + i] !== word.charCodeAt(i)) return ~(start + i)
  }
  return start + word.length
}

/** The literal that the byte at `start` begins. */
export function literalAt(bytes: Buffer, start: number): 'true' | 'false' | 'null' | undefined {
  switch (bytes[start]) {
    case 0x74:
      return 'true'
    case 0x66:
      return 'false'
    case 0x6e:
      return 'null'
    default:
      return undefined
  }
}

export function isNumberStart(byte: number): boolean {
  return byte === 0x2d || isDigit(byte)
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** Insignificant white space, where it stands outside of strings. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
