import type { JsonNode } from './node.ts'
import { isSpace, Strings } from './token.ts'

/**
 * A node of a scanned text without its insignificant white space, and otherwise as it stands: number text, escapes,
 * order and repeats of members.
 *
 * @returns a view of `bytes` when nothing is to be removed, else a copy
 */
export function compact(bytes: Buffer, node: JsonNode): Buffer {
  if (!node.spaced) return bytes.subarray(node.start, node.end)
  const strings = new Strings(bytes)
  const kept = Buffer.allocUnsafe(node.end - node.start)
  let size = 0
  let at = node.start
  while (at < node.end) {
    const start = at
    while (at < node.end && !isSpace(bytes[at]!)) at = bytes[at] === 0x22 ? strings.end(at) : at + 1
    size += bytes.copy(kept, size, start, at)
    while (at < node.end && isSpace(bytes[at]!)) at++
  }
  return kept.subarray(0, size)
}
