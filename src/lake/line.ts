/**
 * Record ↔ line of the raw lake. Every record is exactly one line: the value's bytes as they are where they are
 * strict JSON (RFC 8259, unique member names, valid Unicode, depth ≤ 100) without CR, LF or a `$pinflow` member; else
 * `{"$pinflow":{"base64":"…"}}`, and `{"$pinflow":{"base64":null}}` for a null value. Wrapped does not mean bad.
 */
import { PipelineError, scan } from '../core/index.ts'

const wrapStart = Buffer.from('{"$pinflow":{"base64":')
const wrapEnd = '}}'
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** The line of a record's value, without its newline. */
export function lineOf(value: Buffer | null): Buffer {
  if (value !== null && standsAsItIs(value)) return value
  const base64 = value === null ? 'null' : `"${value.toString('base64')}"`
  return Buffer.from(`${wrapStart}${base64}${wrapEnd}`)
}

/** The value of a line: exactly the bytes (or the null) that `lineOf` was given. */
export function valueIn(line: Buffer): Buffer | null {
  if (!line.subarray(0, wrapStart.length).equals(wrapStart)) return line
  const wrapped = /^(?:null|"([A-Za-z0-9+/]*={0,2})")\}\}$/.exec(line.toString('latin1', wrapStart.length))
  if (!wrapped)
    throw new PipelineError(
      'LAKE_DAMAGED',
      `a line begins as a wrapped record, and is none: ${line.subarray(0, 80)}`,
    )
  return wrapped[1] === undefined ? null : Buffer.from(wrapped[1], 'base64')
}

function standsAsItIs(value: Buffer): boolean {
  if (value.includes(lineFeed) || value.includes(carriageReturn)) return false
  // Only a text that could spell the member's name, escapes included, has its members looked at.
  const levels = value.includes('pinflow') || value.includes('\\u00') ? 1 : 0
  const text = scan(value, levels)
  return text.ok && !text.flaw && !text.root.members?.some(({ name }) => name === '$pinflow')
}
