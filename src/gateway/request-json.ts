import { isUtf8 } from 'node:buffer'
import { type JsonNode, PipelineError, scan } from '../core/index.ts'

/** A request's JSON: its bytes and the nodes in them. */
export interface RequestJson {
  bytes: Buffer
  root: JsonNode
}

/** Bounds what the nodes of a body of minute values take of memory, to about 64 MB. */
const valuesMax = 500_000

/** Why bytes are no JSON at all, for people. */
export interface NotJson {
  problem: string
}

/**
 * The JSON of a body by grammar alone; what a strict reader refuses beyond it (repeated names, half surrogates, depth)
 * passes, to be judged when the record is cleaned.
 *
 * @param levels how deep values are wanted as nodes
 * @throws REQUEST_TOO_LARGE for more values within these levels than a request may hold in memory
 */
export function requestJson(body: Buffer, levels: number): RequestJson | NotJson {
  if (!isUtf8(body)) return { problem: 'the body is not UTF-8' }
  if (body.length > valuesMax && valuesExceed(body, levels, valuesMax)) {
    throw new PipelineError('REQUEST_TOO_LARGE', `the body has more than ${valuesMax} values`)
  }
  const text = scan(body, levels)
  if (!text.ok) return { problem: `the body is not JSON: ${text.message} (byte ${text.at})` }
  return { bytes: body, root: text.root }
}

/** A member of an object; the last of several; undefined when there is none. */
export function memberOf(node: JsonNode, name: string): JsonNode | undefined {
  return node.members?.findLast((member) => member.name === name)?.value
}

/** Whether a text, as far as it is JSON, has more values than `max` down to a level. Allocates nothing. */
function valuesExceed(bytes: Buffer, levels: number, max: number): boolean {
  let depth = 0
  let values = 1
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === 0x22) {
      at = stringEnd(bytes, at)
      if (at === -1) return false
    } else if (byte === 0x2c) {
      if (depth <= levels && ++values > max) return true
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth <= levels && ++values > max) return true
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    }
  }
  return false
}

/** The closing quote of a string that opens at `at`, or −1. */
function stringEnd(bytes: Buffer, at: number): number {
  let end = bytes.indexOf(0x22, at + 1)
  while (end !== -1) {
    let escapes = end
    while (bytes[escapes - 1] === 0x5c) escapes--
    if ((end - escapes) % 2 === 0) return end
    end = bytes.indexOf(0x22, end + 1)
  }
  return -1
}
