/**
 * What the platform and a query process say to each other: JSON, a line each, over one socket.
 *
 *     platform → process   Ask            one at a time, answered before the next
 *                          { stop: true } end what was asked, soon
 *     process  → platform  { ready }      once, before anything else
 *                          { begun }      as soon as something is asked
 *                          { columns }    once for each answer, then { rows } as they come, then { done }
 *                          { failed }     instead of any of these, and the last of its answer
 */
import type { EngineOptions, Row } from '../../engine/index.ts'

/** A table that a text may name. */
export interface Readable {
  /** `schema.name`, or `name` where no schema is needed; ASCII lower case. */
  names: string[]
  /** What makes it readable by these names, in order. */
  views: string[]
  /** What is wrong with its files: a text that names it fails with TABLE_DAMAGED. */
  damage?: string
}

export interface Ask {
  sql: string
  tables: Readable[]
  /** The only files that may be read. */
  paths: string[]
  /** The schema of names without one, after `main`. */
  schema: string
  engine: EngineOptions
  rowsMax: number
  /** As JSON. */
  bytesMax: number
  /** Of one row, as JSON. */
  rowBytesMax: number
}

export type ToProcess = Ask | { stop: true }

export interface Column {
  name: string
  /** As the SQL engine names it. */
  type: string
}

/** Errors that a query process finds. */
export type Failure =
  | 'QUERY_INVALID'
  | 'QUERY_OUT_OF_MEMORY'
  | 'QUERY_ENGINE_ENDED'
  | 'ANSWER_TOO_LARGE'
  | 'TABLE_DAMAGED'

/** Private memory that the process may write to, as its data limit counts it; 0 where the system does not tell. */
export interface Size {
  dataBytes: number
}

export type FromProcess =
  | { ready: Size }
  | { begun: true }
  | { columns: Column[] }
  /** `bytes`: what the rows take as JSON. */
  | { rows: Row[]; bytes: number }
  /** `read`: places in `Ask.tables` of what the text names. */
  | { done: { read: number[] } & Size }
  | { failed: { code: Failure; message: string } & Size }

/** A line is longer than agreed, or no JSON. */
export class ProtocolError extends Error {}

/** The messages of a socket, in order. @param lineBytesMax beyond it the other side is not what it should be */
export async function* messages<T>(socket: AsyncIterable<Buffer>, lineBytesMax: number): AsyncGenerator<T> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of socket) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end))
      yield parsed<T>(parts)
      parts = []
      bytes = 0
      from = end + 1
    }
    parts.push(chunk.subarray(from))
    bytes += chunk.length - from
    if (bytes > lineBytesMax) throw new ProtocolError('a line without end')
  }
}

function parsed<T>(parts: readonly Buffer[]): T {
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as T
  } catch (error) {
    throw new ProtocolError('a line that is no JSON', { cause: error })
  }
}
