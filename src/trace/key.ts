/** A key as a person names it, and records that carry it. */
import { membersOf } from '../clean/index.ts'
import type { Dataset } from '../pipeline/index.ts'

/** One column of a key: the members it is read from, and the value that is sought, as text. */
export interface KeyPart {
  column: string
  names: readonly string[]
  text: string
  kind: 'text' | 'integer' | 'double' | 'timestamp'
}

/**
 * The texts of a key's columns: of one column the text itself; of several a JSON array or object, or a comma list.
 *
 * @returns undefined where it cannot be a key of the dataset
 */
export function parseKey(text: string, { key }: Pick<Dataset, 'key'>): string[] | undefined {
  const json = jsonOf(text)
  if (Array.isArray(json)) return json.length === key.length ? json.map(textOf) : undefined
  if (typeof json === 'object' && json !== null) {
    const members = json as Record<string, unknown>
    const isKey =
      Object.keys(members).length === key.length && key.every((name) => Object.hasOwn(members, name))
    return isKey ? key.map((name) => textOf(members[name])) : undefined
  }
  if (key.length === 1) return [text]
  const parts = text.split(',').map((part) => part.trim())
  return parts.length === key.length && key.length > 0 ? parts : undefined
}

/** Only what begins as one: a key may be any text. */
function jsonOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export function keyParts(
  { key, schema }: Pick<Dataset, 'key' | 'schema'>,
  texts: readonly string[],
): KeyPart[] {
  return key.map((column, at) => {
    const raw = schema[column]
    return { column, names: raw?.from ?? [column], text: texts[at] ?? '', kind: raw?.type ?? 'text' }
  })
}

/**
 * Whether a value may be of a record with this key, by its bytes: false only where it certainly is not. What could spell
 * the key in another way (escapes, base64, an object in a string) may always be.
 */
export function mayHold(parts: readonly KeyPart[], value: Buffer): boolean {
  if (value[0] !== 0x7b || value.includes(unicodeEscape)) return true
  return parts.every((part) => {
    if (part.kind === 'double' || part.kind === 'timestamp') return true
    const { names, wanted, canBeEscaped } = spellingOf(part)
    if (canBeEscaped && value.includes(backslash)) return true
    return value.includes(wanted) && names.some((name) => holdsMember(value, name, part))
  })
}

/**
 * Whether a record carries the key: as members of its object, in what is no JSON as text; or, where its value has no
 * readable key, as its own key.
 */
export function carries(
  parts: readonly KeyPart[],
  value: Buffer | null,
  recordKey: Buffer | null | undefined,
): boolean {
  const members = value === null ? undefined : membersOf(value)
  const isTold = parts.every((part) => members?.some(({ name }) => part.names.includes(name)))
  if (members && isTold)
    return parts.every((part) =>
      members.some(({ name, text }) => part.names.includes(name) && same(part, text)),
    )
  if (isKeyOf(parts, recordKey)) return true
  if (value === null || members) return false
  return parts.every((part) => spellingOf(part).names.some((name) => holdsMember(value, name, part)))
}

/** Whether a record's own key is the key that is sought. */
export function isKeyOf([only, second]: readonly KeyPart[], recordKey: Buffer | null | undefined): boolean {
  if (!only || second || !recordKey || recordKey.length >= 1_024) return false
  const text = recordKey.toString()
  return same(only, text) || same(only, text.replace(/^"(.*)"$/s, '$1'))
}

/** Whether two texts are one value of a key's column. */
function same({ text, kind }: KeyPart, other: string): boolean {
  if (text === other) return true
  if (kind === 'integer') return digitsOf(text) !== undefined && digitsOf(text) === digitsOf(other)
  if (kind === 'double') return text.trim() !== '' && other.trim() !== '' && Number(text) === Number(other)
  return kind === 'timestamp' && timeOf(text) !== undefined && timeOf(text) === timeOf(other)
}

/** A whole number without what may be written or left out: sign and leading zeros. */
function digitsOf(text: string): string | undefined {
  const [, sign = '', digits] = /^([+-]?)0*(\d+)$/.exec(text) ?? []
  return digits === undefined ? undefined : `${sign === '-' && digits !== '0' ? '-' : ''}${digits}`
}

function timeOf(text: string): number | undefined {
  const timeMs = Date.parse(
    /(Z|[+-]\d\d:\d\d)$/.test(text) || text.length < 11 ? text : `${text.replace(' ', 'T')}Z`,
  )
  return Number.isNaN(timeMs) ? undefined : timeMs
}

/** How a part is found in bytes. */
interface Spelling {
  /** Names of its members, quoted. */
  names: readonly Buffer[]
  /** The value, without quotes; of a whole number its digits. */
  wanted: Buffer
  isNumber: boolean
  /** It can be written with the short escapes of JSON. */
  canBeEscaped: boolean
}

const spellings = new WeakMap<KeyPart, Spelling>()

function spellingOf(part: KeyPart): Spelling {
  const known = spellings.get(part)
  if (known) return known
  const digits = part.kind === 'integer' ? digitsOf(part.text)?.replace('-', '') : undefined
  const spelling: Spelling = {
    names: part.names.map((name) => Buffer.from(JSON.stringify(name))),
    wanted: Buffer.from(digits ?? JSON.stringify(part.text).slice(1, -1)),
    isNumber: digits !== undefined,
    canBeEscaped: /["\\/\p{Cc}]/u.test(part.text),
  }
  spellings.set(part, spelling)
  return spelling
}

const unicodeEscape = Buffer.from('\\u')
const [quote, colon, plus, minus, zero, backslash] = [0x22, 0x3a, 0x2b, 0x2d, 0x30, 0x5c]

/** Whether `"name": text` stands anywhere in the bytes, be they JSON or not, white space and quotes aside. */
function holdsMember(value: Buffer, name: Buffer, part: KeyPart): boolean {
  const { wanted, isNumber } = spellingOf(part)
  for (let found = value.indexOf(name); found !== -1; found = value.indexOf(name, found + 1)) {
    let at = afterSpace(value, found + name.length)
    if (value[at] !== colon) continue
    at = afterSpace(value, at + 1)
    const quoted = value[at] === quote
    if (quoted) at++
    if (isNumber) {
      if (value[at] === plus || value[at] === minus) at++
      while (value[at] === zero && isDigit(value[at + 1])) at++
    }
    const end = at + wanted.length
    if (wanted.compare(value, at, Math.min(end, value.length)) !== 0) continue
    if (isNumber ? !isDigit(value[end]) : !quoted || value[end] === quote) return true
  }
  return false
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function afterSpace(value: Buffer, from: number): number {
  let at = from
  while (value[at] === 0x20 || value[at] === 0x0a || value[at] === 0x0d || value[at] === 0x09) at++
  return at
}
