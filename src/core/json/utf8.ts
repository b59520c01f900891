const highByte = /[\x80-\xff]/g

/** A character of two to four bytes (RFC 3629): in its shortest form, no surrogate, at most U+10FFFF. */
const character =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/y

/** Where bytes cease to be UTF-8, or −1. For messages: `isUtf8` is what is fast. */
export function brokenUtf8At(bytes: Buffer): number {
  const text = bytes.toString('latin1')
  let at = 0
  for (;;) {
    highByte.lastIndex = at
    const high = highByte.exec(text)
    if (high === null) return -1
    character.lastIndex = high.index
    if (!character.test(text)) return high.index
    at = character.lastIndex
  }
}
