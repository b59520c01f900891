export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

/** A JSON value in its bytes: `bytes[start, end)`. */
export interface JsonNode {
  kind: JsonKind
  start: number
  end: number
  /** Whether insignificant white space lies inside. */
  spaced: boolean
  /** Of an object within the asked levels: its members in order, repeats included, names decoded. */
  members?: { name: string; value: JsonNode }[]
  /** Of an array within the asked levels: its elements in order. */
  elements?: JsonNode[]
}

/** Grammatical JSON that a strict reader still refuses; the first of the list that applies. */
export type JsonFlaw = 'INVALID_UNICODE' | 'TOO_DEEP' | 'DUPLICATE_MEMBER'

export interface JsonText {
  ok: true
  root: JsonNode
  flaw?: JsonFlaw
  /** What and where, for people: the repeated member's name, the depth, the byte. */
  flawDetail?: string
}

export interface JsonFault {
  ok: false
  message: string
  /** The byte at which the text ceases to be JSON. */
  at: number
}
