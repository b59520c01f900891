import { isUtf8 } from 'node:buffer'
import { type JsonKind, type JsonNode, type JsonText, scan, stringOf } from '../core/index.ts'
import { type Dataset, nonKeyMembers } from '../pipeline/index.ts'
import type { Bad } from './reason.ts'

/** A record that may become a row. */
export interface PreparedRow {
  /**
   * The value of each declared column, in order, as JSON text of a string: a string's own text, a number's source
   * text in quotes; undefined where it is absent or null. Latin-1: one character a byte.
   */
  fields: (string | undefined)[]
}

export type Prepared = ({ row: PreparedRow; bad?: never } | { row?: never; bad: Bad }) & {
  /** Whether an object, good or bad, was found inside a JSON string, or in base64. */
  unwrapped: boolean
}

/**
 * Judges a record's value for a dataset, and slices out its columns: everything about a record that is decided
 * before an SQL engine sees it, in the order of `reasons`.
 */
export class Preparer {
  readonly #columns: readonly { name: string; key: boolean }[]
  /** Column number by member name, the preferred name first. */
  readonly #members = new Map<string, { column: number; preference: number }>()
  readonly #foreign: readonly ReadonlySet<string>[]

  constructor(dataset: Dataset, all: readonly Dataset[]) {
    this.#columns = Object.keys(dataset.schema).map((name) => ({ name, key: dataset.key.includes(name) }))
    for (const [column, [name, { from = [name] }]] of Object.entries(dataset.schema).entries()) {
      for (const [preference, member] of from.entries()) this.#members.set(member, { column, preference })
    }
    this.#foreign = all
      .filter(({ name }) => name !== dataset.name)
      .map((other) => new Set(nonKeyMembers(other)))
  }

  prepare(value: Buffer | null): Prepared {
    if (value === null) return { ...bad('NULL_VALUE'), unwrapped: false }
    const found = findObject(value)
    const { unwrapped } = found
    return 'bad' in found ? found : { ...this.#slice(found), unwrapped }
  }

  #slice({ bytes, text }: FoundObject): { row: PreparedRow } | { bad: Bad } {
    const fields: (string | undefined)[] = new Array(this.#columns.length).fill(undefined)
    const preferences: number[] = []
    const present = new Set<number>()
    const kinds: JsonKind[] = []
    const members = text.root.members ?? []
    for (const { name, value } of members) {
      const place = this.#members.get(name)
      if (!place) continue
      const { column, preference } = place
      if (!this.#columns[column]?.key) present.add(column)
      // Null is as good as absent: another name of the column may hold the value.
      if (value.kind === 'null' || preference >= (preferences[column] ?? Number.POSITIVE_INFINITY)) continue
      preferences[column] = preference
      fields[column] = scalarText(bytes, value)
      kinds[column] = value.kind
    }
    for (const foreign of this.#foreign) {
      if (members.reduce((sum, { name }) => sum + (foreign.has(name) ? 1 : 0), 0) > present.size)
        return bad('FOREIGN_RECORD')
    }
    if (present.size === 0 && this.#columns.some(({ key }) => !key)) return bad('NO_KNOWN_COLUMN')
    const missing = this.#columns.find(({ key }, column) => key && kinds[column] === undefined)
    if (missing) return bad('KEY_MISSING', `${missing.name} is absent or null`)
    const mismatch = kinds.findIndex((kind, column) => kind !== undefined && fields[column] === undefined)
    if (mismatch >= 0)
      return bad(`TYPE_MISMATCH ${this.#columns[mismatch]?.name}`, `a JSON ${kinds[mismatch]}`)
    return { row: { fields } }
  }
}

/** The text of a string or number as a JSON string, one character a byte; undefined for what no column takes. */
function scalarText(bytes: Buffer, { kind, start, end }: JsonNode): string | undefined {
  if (kind === 'string') return bytes.toString('latin1', start, end)
  return kind === 'number' ? `"${bytes.toString('latin1', start, end)}"` : undefined
}

/** A member of a record's object: its name, and its value as a text (of a string its content, else its source). */
export interface RecordMember {
  name: string
  text: string
  kind: JsonKind
}

/**
 * The members of a record's object, wherever it stands and whatever is wrong with it, for people to be shown; undefined
 * where there is none.
 */
export function membersOf(value: Buffer): RecordMember[] | undefined {
  const found = looseObject(value)
  return found?.text.root.members?.map(({ name, value: node }) => ({
    name,
    text:
      node.kind === 'string'
        ? stringOf(found.bytes, node)
        : found.bytes.toString('utf8', node.start, node.end),
    kind: node.kind,
  }))
}

/** As `findObject`, flaws or not. */
function looseObject(value: Buffer): { bytes: Buffer; text: JsonText } | undefined {
  const objectOf = (bytes: Buffer | undefined) => {
    const text = bytes && scan(bytes, 1)
    return bytes && text?.ok && text.root.kind === 'object' ? { bytes, text } : undefined
  }
  const text = scan(value, 1)
  if (!text.ok) return objectOf(base64Of(value.toString('latin1')))
  if (text.root.kind !== 'string') return objectOf(value)
  const content = stringOf(value, text.root)
  return objectOf(Buffer.from(content)) ?? objectOf(base64Of(content))
}

interface FoundObject {
  bytes: Buffer
  text: JsonText
  unwrapped: boolean
}

interface FoundBad {
  bad: Bad
  unwrapped: boolean
}

/** The JSON object of a value: itself, or inside a JSON string, or in base64; unwrapped once. */
function findObject(value: Buffer): FoundObject | FoundBad {
  const text = scan(value, 1)
  const refused = (reason: string, detail?: string) => ({ ...bad(reason, detail), unwrapped: false })
  if (!text.ok) {
    const inner = objectIn(base64Of(value.toString('latin1')))
    return (
      inner ?? refused(isUtf8(value) ? 'NOT_JSON' : 'INVALID_UNICODE', `${text.message} at byte ${text.at}`)
    )
  }
  if (text.flaw) return refused(text.flaw, text.flawDetail)
  if (text.root.kind === 'object') return { bytes: value, text, unwrapped: false }
  if (text.root.kind === 'string') {
    const content = stringOf(value, text.root)
    const inner = objectIn(Buffer.from(content)) ?? objectIn(base64Of(content))
    if (inner) return inner
  }
  return refused('NOT_AN_OBJECT', `a JSON ${text.root.kind}`)
}

/** What was unwrapped, when it is a grammatical object; its flaws are the record's. */
function objectIn(bytes: Buffer | undefined): FoundObject | FoundBad | undefined {
  if (!bytes) return undefined
  const text = scan(bytes, 1)
  if (!text.ok || text.root.kind !== 'object') return undefined
  return text.flaw
    ? { ...bad(text.flaw, text.flawDetail), unwrapped: true }
    : { bytes, text, unwrapped: true }
}

function base64Of(content: string): Buffer | undefined {
  const trimmed = content.trim()
  return /^[A-Za-z0-9+/]+={0,2}$/.test(trimmed) && trimmed.length % 4 === 0
    ? Buffer.from(trimmed, 'base64')
    : undefined
}

function bad(reason: string, detail?: string): { bad: Bad } {
  return { bad: { reason, ...(detail !== undefined && { detail }) } }
}

/** One line of what an engine reads: the row's place, and the fields as `c0`, `c1`, …; Latin-1, with its newline. */
export function preparedLine(place: number, fields: readonly (string | undefined)[]): string {
  let line = `{"_record":${place}`
  for (const [column, field] of fields.entries()) if (field !== undefined) line += `,"c${column}":${field}`
  return `${line}}\n`
}
