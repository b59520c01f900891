import { isUtf8 } from 'node:buffer'
import { type JsonNode, scan } from '../core/index.ts'

/** A request's JSON: its bytes and the nodes in them. */
export interface RequestJson {
  bytes: Buffer
  root: JsonNode
}

/** Why bytes are no JSON at all, for people. */
export interface NotJson {
  problem: string
}

/**
 * The JSON of a body by grammar alone; what a strict reader refuses beyond it (repeated names, half surrogates, depth)
 * passes, to be judged when the record is cleaned.
 *
 * @param levels how deep values are wanted as nodes
 */
export function requestJson(body: Buffer, levels: number): RequestJson | NotJson {
  if (!isUtf8(body)) return { problem: 'the body is not UTF-8' }
  const text = scan(body, levels)
  if (!text.ok) return { problem: `the body is not JSON: ${text.message} (byte ${text.at})` }
  return { bytes: body, root: text.root }
}

/** A member of an object; the last of several; undefined when there is none. */
export function memberOf(node: JsonNode, name: string): JsonNode | undefined {
  return node.members?.findLast((member) => member.name === name)?.value
}
