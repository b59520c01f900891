import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import { type RecordMember, splitReason } from '../clean/index.ts'
import { placeText } from '../core/index.ts'
import { type Dataset, mostAlike, nonKeyMembers, type Pipeline, typeText } from '../pipeline/index.ts'
import type { Verdict } from './show.ts'

export interface AdviceParts {
  pipeline: Pipeline
  dataset: Dataset
  reason: string
  detail: string | null
  value: Buffer | null
  /** Of the record's object; undefined where it has none. */
  members: readonly RecordMember[] | undefined
  verdict: Verdict
}

/** Characters of a value that are shown. */
const shownMax = 60
/** How much of a text that is no JSON is shown around the place where it ceases to be. */
const around = 24

/** What would mend a bad record: sentences that name column, value and rule, as far as they are known. */
export function adviceFor(parts: AdviceParts): string[] {
  const [code, column] = splitReason(parts.reason)
  const advice = byCode[code]?.(parts, column)
  return advice ?? []
}

const byCode: Record<string, (parts: AdviceParts, column: string | undefined) => string[]> = {
  NULL_VALUE: ({ dataset }) => [
    `Send a JSON object with the columns of ${dataset.name}: ${columnsOf(dataset)}. A record without a value deletes nothing.`,
  ],
  NOT_JSON: ({ value, detail }) => [
    ...whereItBreaks(value, detail),
    'Correct the sender: one JSON object a record, as a JSON library writes it.',
  ],
  INVALID_UNICODE: ({ value, detail }) => [
    ...(value && !isUtf8(value) ? whereItBreaks(value, detail) : []),
    'Correct the sender: text goes out as UTF-8, and a character beyond U+FFFF as both halves of its pair.',
  ],
  TOO_DEEP: () => ['Send a flatter object: up to 100 levels are read.'],
  DUPLICATE_MEMBER: ({ detail }) => [
    `It has ${detail === null ? 'a member twice' : `the member ${detail}`}: let the sender write each member once.`,
  ],
  NOT_AN_OBJECT: ({ dataset, detail }) => [
    `The value is ${detail ?? 'no JSON object'}: send one object a record, with the columns ${columnsOf(dataset)}.`,
  ],
  FOREIGN_RECORD: ({ pipeline, dataset, members = [] }) => {
    const best = mostAlike(pipeline.datasets, new Set(members.map(({ name }) => name)))
    if (!best || best.dataset.name === dataset.name) return []
    const topics = best.dataset.topics.map(({ name }) => name).join(' or ')
    return [
      `It has ${best.columns} columns of ${best.dataset.name}, more than of ${dataset.name}: send it to ${topics}.`,
    ]
  },
  NO_KNOWN_COLUMN: ({ dataset, members = [] }) => {
    const inside = members.flatMap(({ name, kind, text }) =>
      kind === 'object' || kind === 'array' ? (columnsInside(dataset, text, name) ?? []) : [],
    )[0]
    if (inside !== undefined)
      return [`The columns are inside it, at ${inside}: let the sender send that object by itself.`]
    const has = members.map(({ name }) => name).join(', ') || 'none at all'
    return [
      `It has the members ${shorten(has)}; ${dataset.name} knows ${columnsOf(dataset)}.`,
      'Rename them at the sender, or name them in the schema (`from`), and replay.',
    ]
  },
  KEY_MISSING: ({ dataset }) => {
    const names = dataset.key.map((key) => (dataset.schema[key]?.from ?? [key]).join(' or '))
    return [`Send the key of ${dataset.name}: ${names.join(', and ')}. No later change can make up for it.`]
  },
  TYPE_MISMATCH: ({ dataset, members }, column = '') => {
    const raw = dataset.schema[column]
    const rule = raw ? `${column} is ${typeText(raw)}` : `${column} is no column of ${dataset.name} any more`
    return [
      `${column} has ${columnValue(dataset, members, column)}; by the schema ${rule}.`,
      'Correct the sender; or give the column a type or limits that take it, in the pipeline’s schema, and replay.',
    ]
  },
  VALUE_INVALID: ({ pipeline, dataset, members }, column = '') => [
    `The cleaning text does not take this ${column}: ${columnValue(dataset, members, column)}.`,
    `Correct the sender; or let ${join(pipeline.folder, dataset.sqlFile)} take it, and replay.`,
  ],
  SQL_FAILED: ({ pipeline, dataset, detail }) => [
    ...(detail === null ? [] : [`SQL said: ${oneLine(detail)}`]),
    `Make ${join(pipeline.folder, dataset.sqlFile)} tolerate the value (TRY_CAST instead of CAST), and replay.`,
  ],
  DUPLICATE_KEY_DIFFERS: ({ dataset, verdict }) => [
    ...firstOne(verdict),
    `Send a change under a key of its own; or let the last record win (onDuplicate: 'last') in dataset ${dataset.name}, and replay.`,
  ],
}

function firstOne(verdict: Verdict): string[] {
  if (verdict.fate !== 'differs' && verdict.fate !== 'duplicate') return []
  const first = verdict.first ? `The record ${placeText(verdict.first)}` : 'Another record with the same key'
  const differing = verdict.columns.map(
    (name) => `${name} (${shown(verdict.present[name])} there, ${shown(verdict.row[name])} here)`,
  )
  return [`${first} came first and is the row. They differ in ${differing.join(', ') || 'nothing'}.`]
}

/** The part of a text where it ceases to be JSON, with the byte marked. */
function whereItBreaks(value: Buffer | null, detail: string | null): string[] {
  const at = Number(/at byte (\d+)/.exec(detail ?? '')?.[1] ?? Number.NaN)
  if (value === null || Number.isNaN(at)) return []
  const part = (from: number, to: number) => oneLine(value.subarray(Math.max(0, from), to).toString('utf8'))
  const before = `${at > around ? '…' : ''}${part(at - around, at)}`
  const after = `${part(at, at + around)}${at + around < value.length ? '…' : ''}`
  return [`It breaks off at byte ${at}, here marked by ▸: ${before}▸${after}`]
}

/** Where in a member's JSON text an object with columns of a dataset is, up to three levels down. */
function columnsInside(dataset: Dataset, json: string, member: string): string | undefined {
  const names = new Set(nonKeyMembers(dataset))
  const find = (node: unknown, path: string, levels: number): string | undefined => {
    if (typeof node !== 'object' || node === null) return undefined
    if (Object.keys(node).some((name) => names.has(name))) return path
    if (levels === 0) return undefined
    // Of an array the first element is as good as any.
    const children = Array.isArray(node) ? [['[0]', node[0]] as const] : Object.entries(node)
    for (const [name, child] of children) {
      const found = find(child, name === '[0]' ? `${path}[0]` : `${path}.${name}`, levels - 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  try {
    return find(JSON.parse(json), member, 3)
  } catch {
    return undefined
  }
}

/** What a record has for a column. The column of a clean row may be made of others: then it is not told. */
function columnValue({ schema }: Dataset, members: readonly RecordMember[] = [], column: string): string {
  for (const name of schema[column]?.from ?? [column]) {
    const member = members.find((known) => known.name === name && known.kind !== 'null')
    if (member)
      return `${shorten(oneLine(member.kind === 'string' ? JSON.stringify(member.text) : member.text))}`
  }
  return schema[column] ? 'no value' : 'a value that is made of other columns'
}

function columnsOf({ schema }: Dataset): string {
  return Object.keys(schema).join(', ')
}

function shown(value: unknown): string {
  return value === null || value === undefined ? 'nothing' : shorten(oneLine(JSON.stringify(value)))
}

function shorten(text: string): string {
  const characters = [...text]
  return characters.length <= shownMax ? text : `${characters.slice(0, shownMax - 1).join('')}…`
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}
