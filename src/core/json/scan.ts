import { isUtf8 } from 'node:buffer'
import { Brackets } from './brackets.ts'
import { brokenToken, unexpected } from './fault.ts'
import { depthMax, Names } from './names.ts'
import type { JsonFault, JsonText } from './node.ts'
import { Nodes } from './nodes.ts'
import { decode } from './text.ts'
import { isNumberStart, isSpace, literalEnd, numberEnd, Strings } from './token.ts'
import { brokenUtf8At } from './utf8.ts'

export { depthMax }

// What may come next, as numbers in this order so that the loop compares them fast.
const beforeValue = 0
const beforeFirstElement = 1
const beforeName = 2
const beforeFirstName = 3
const beforeColon = 4
const afterValue = 5

/**
 * Read a JSON text by the letter of RFC 8259, white space around it allowed. One pass, in time linear in the size
 * whatever the bytes, without recursion; beyond the asked nodes it keeps one byte for each open level and the names
 * of open objects.
 *
 * @param bytes at most 128 MiB (an object of such a text cannot have more names than a set holds)
 * @param levels how deep values are given as nodes: 0 the root alone, 1 its members or elements too, and so on
 * @returns a fault at the first byte that breaks the grammar; else the root, and the first flaw of the list, if any
 */
export function scan(bytes: Buffer, levels = 0): JsonText | JsonFault {
  const { length } = bytes
  const strings = new Strings(bytes)
  const brackets = new Brackets()
  const names = new Names(bytes)
  const nodes = new Nodes(bytes, levels)
  let repeatedAt = -1
  let spaceAt = -1
  let state = beforeValue
  let at = 0
  while (at < length) {
    const byte = bytes[at]!
    const { depth } = brackets
    if (byte === 0x22) {
      const end = strings.end(at)
      if (end < 0) return brokenToken(bytes, at, ~end)
      if (state <= beforeFirstElement) {
        if (depth <= levels) nodes.scalar('string', at, end)
        state = afterValue
      } else if (state <= beforeFirstName) {
        // Once a text is too deep or has a repeated name, further repeats change nothing.
        const watched = repeatedAt === -1 && brackets.deepest <= depthMax
        if (watched && !names.add(depth, at + 1, end - 1, strings.escapeAt > at)) repeatedAt = at
        if (depth <= levels) nodes.name(at + 1, end - 1)
        state = beforeColon
      } else break
      at = end
    } else if (byte === 0x3a) {
      if (state !== beforeColon) break
      state = beforeValue
      at++
    } else if (byte === 0x2c) {
      if (state !== afterValue || depth === 0) break
      state = brackets.inObject ? beforeName : beforeValue
      at++
    } else if (isSpace(byte)) {
      spaceAt = at++
    } else if (byte === brackets.closer && (state === afterValue || isFirst(state))) {
      at++
      brackets.close()
      if (depth <= levels + 1) nodes.close(at, spaceAt)
      state = afterValue
    } else if (state > beforeFirstElement) {
      break
    } else if (byte === 0x7b || byte === 0x5b) {
      if (depth <= levels) nodes.open(byte === 0x7b ? 'object' : 'array', at)
      brackets.open(byte)
      if (byte === 0x7b && depth < depthMax) names.open(depth + 1)
      state = byte === 0x7b ? beforeFirstName : beforeFirstElement
      at++
    } else {
      const isNumber = isNumberStart(byte)
      const end = isNumber ? numberEnd(bytes, at) : literalEnd(bytes, at)
      if (end < 0) return brokenToken(bytes, at, ~end)
      if (depth <= levels) nodes.scalar(isNumber ? 'number' : byte === 0x6e ? 'null' : 'boolean', at, end)
      state = afterValue
      at = end
    }
  }
  if (at < length || state !== afterValue || brackets.depth > 0) {
    return unexpected(bytes, at, expectation(state, brackets))
  }
  return {
    ok: true,
    root: nodes.root!,
    ...flawOf(bytes, strings.loneSurrogateAt, brackets.deepest, repeatedAt),
  }
}

/** Whether an object or array has just opened, and may close. */
function isFirst(state: number): boolean {
  return state === beforeFirstElement || state === beforeFirstName
}

function expectation(state: number, { depth, inObject }: Brackets): string {
  switch (state) {
    case beforeValue:
      return 'a value'
    case beforeFirstElement:
      return 'a value or ]'
    case beforeName:
      return 'a member name in double quotes'
    case beforeFirstName:
      return 'a member name in double quotes or }'
    case beforeColon:
      return ': after the member name'
    default:
      return depth === 0 ? 'nothing after the value' : inObject ? ', or }' : ', or ]'
  }
}

function flawOf(
  bytes: Buffer,
  loneSurrogateAt: number,
  depth: number,
  repeatedAt: number,
): Pick<JsonText, 'flaw' | 'flawDetail'> {
  if (!isUtf8(bytes))
    return { flaw: 'INVALID_UNICODE', flawDetail: `no UTF-8 at byte ${brokenUtf8At(bytes)}` }
  if (loneSurrogateAt !== -1) {
    return { flaw: 'INVALID_UNICODE', flawDetail: `half a surrogate pair at byte ${loneSurrogateAt}` }
  }
  if (depth > depthMax) return { flaw: 'TOO_DEEP', flawDetail: `${depth} levels, at most ${depthMax}` }
  if (repeatedAt === -1) return {}
  const name = decode(bytes, repeatedAt + 1, new Strings(bytes).end(repeatedAt) - 1).slice(0, 100)
  return { flaw: 'DUPLICATE_MEMBER', flawDetail: `${JSON.stringify(name)} again at byte ${repeatedAt}` }
}
