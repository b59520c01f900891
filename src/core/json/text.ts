import type { JsonNode } from './node.ts'

/** Names in plain ASCII that were decoded before; a pipeline's records repeat the same few for ever. */
const knownNames: string[] = new Array(512).fill('')
const knownNameBytesMax = 40

/** The text of a string node of a scanned text, decoded. Bytes that are no UTF-8 become U+FFFD. */
export function stringOf(bytes: Buffer, node: JsonNode): string {
  return decode(bytes, node.start + 1, node.end - 1)
}

/** The text of a string that was found grammatical: `bytes[start, end)`, its quotes left out. */
export function decode(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** `decode` for member names: most cost no allocation and no call into native code. */
export function decodeName(bytes: Buffer, start: number, end: number): string {
  const size = end - start
  if (size === 0 || size > knownNameBytesMax) return decode(bytes, start, end)
  const mixed = bytes[start]! * 31 + bytes[start + (size >> 1)]! * 7 + bytes[end - 1]! * 17 + size
  const slot = mixed % knownNames.length
  const known = knownNames[slot]!
  if (known.length === size && isAt(known, bytes, start)) return known
  const name = decode(bytes, start, end)
  // As long as its bytes, so without escapes; other than ASCII it could only be U+FFFD, which equals no byte.
  if (name.length === size) knownNames[slot] = name
  return name
}

function isAt(name: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
