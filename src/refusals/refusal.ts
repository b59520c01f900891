/**
 * What front doors refused, so that a record that never came in can be explained. Files of `<data>/refusals/`:
 *
 *     refusals.ndjson     one refusal a line, oldest first, at most 8 MiB
 *     before.ndjson       the file before it; when `refusals.ndjson` is full it takes this name, and what had it is gone
 *     totals.json         how many there were, by door, status and code, since the folder was made
 *
 * A line is JSON: `timeMs`, `door`, `method`, `path`, `status`, `message`, and, as far as they are known, `topic`,
 * `code`, `records` (how many were refused together), `body` (the first 4 KiB: `{text}` or `{base64}`), `bytes` (how long
 * the body was). Nothing depends on these files: lines that cannot be read are passed over, and the folder may be deleted.
 * `docs/spec/refusals.md` is normative.
 */

/** A request, or a record of one, that a front door refused. */
export interface Refused {
  /** Milliseconds since 1970. */
  timeMs: number
  /** `kafka-rest`, `kinesis`, `api-gateway`. */
  door: string
  method: string
  path: string
  /** Topic or stream that it was for, as far as that can be told. */
  topic?: string
  /** HTTP status; of a record that was refused alone, the status that the whole request would have had. */
  status: number
  /** An operational error's. */
  code?: string
  message: string
  /** How many records were refused together; absent where the body does not say. */
  records?: number
  /** What of the body was read, or the record; only its beginning is kept. */
  body?: Buffer
  /** Length of the whole body, where it is known. */
  bytes?: number
}

/** A refusal as it is kept. */
export type KeptRefusal = Omit<Refused, 'body'> & { body?: { text: string } | { base64: string } }

/** How many refusals of one kind there were. */
export interface RefusalTotal {
  door: string
  status: number
  code?: string
  /** Answers that refused something. */
  refusals: number
  /** Records in them, as far as bodies said how many. */
  records: number
}

/** Bytes of a body that are kept. */
export const bodyBytesKept = 4_096
const textMax = 512

export function keptOf({ body, ...refused }: Refused): KeptRefusal {
  const { path, message } = refused
  const kept = { ...refused, path: path.slice(0, textMax), message: message.slice(0, textMax) }
  return body === undefined ? kept : { ...kept, body: bodyOf(body.subarray(0, bodyBytesKept)) }
}

/** The bytes of a kept body. */
export function bytesOf({ body }: KeptRefusal): Buffer {
  if (body === undefined) return Buffer.alloc(0)
  return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64')
}

/** As text, without a character that the cut has halved; else as base64. */
function bodyOf(bytes: Buffer): { text: string } | { base64: string } {
  const cutMax = bytes.length < bodyBytesKept ? 0 : 3
  for (let cut = 0; cut <= cutMax; cut++) {
    const text = bytes.toString('utf8', 0, bytes.length - cut)
    if (Buffer.from(text).equals(bytes.subarray(0, bytes.length - cut))) return { text }
  }
  return { base64: bytes.toString('base64') }
}

/** @returns undefined for what is no line of the file */
export function parseRefusal(line: string): KeptRefusal | undefined {
  try {
    const value = JSON.parse(line) as Partial<KeptRefusal> | null
    const isOne =
      typeof value === 'object' &&
      value !== null &&
      typeof value.timeMs === 'number' &&
      [value.door, value.method, value.path, value.message].every((member) => typeof member === 'string') &&
      typeof value.status === 'number'
    return isOne ? (value as KeptRefusal) : undefined
  } catch {
    return undefined
  }
}
