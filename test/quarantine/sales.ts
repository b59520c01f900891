import { join } from 'node:path'
import type { ReasonCode } from '../../src/clean/index.ts'
import { loadPipeline } from '../../src/pipeline/index.ts'

const fixtures = join(import.meta.dirname, '../fixtures')
export const before = join(fixtures, 'stall')
export const after = join(fixtures, 'stall-changed')
export const loadStall = (folder: string) => loadPipeline(folder, { id: 'demo' })

/** A record for `sale`, with what each of the two definitions makes of it. */
export interface Sale {
  value: string | Buffer | null
  /** Undefined: a row. */
  before?: ReasonCode | `${ReasonCode} ${string}`
  /** Undefined: a row, or a duplicate of one. */
  after?: Sale['before']
  /** It is a row before and after, and not the same. */
  changes?: true
}

/** How many there are of each kind of bad record, so that there are 1,000 of them. */
const each = 77
const all = 1_000
/** Rows that nothing is wrong with. */
const good = 200
/** Rows that the later definition finds bad. */
const calledOff = 30

const halves = (text: string) => Buffer.concat([Buffer.from(text), Buffer.of(0xc3, 0x28)])

/** A bad record of each reason; half of those that a later definition can take, it takes. */
const makers: Record<ReasonCode, (id: number, taken: boolean) => Sale> = {
  NULL_VALUE: () => same(null, 'NULL_VALUE'),
  NOT_JSON: (id) => same(`{"id":${id},"item":"pear",}`, 'NOT_JSON'),
  INVALID_UNICODE: (id) => same(halves(`{"id":${id},"item":"`), 'INVALID_UNICODE'),
  TOO_DEEP: (id) => same(`{"id":${id},"item":${'['.repeat(100)}${']'.repeat(100)}}`, 'TOO_DEEP'),
  DUPLICATE_MEMBER: (id) => same(`{"id":${id},"item":"pear","item":"plum"}`, 'DUPLICATE_MEMBER'),
  NOT_AN_OBJECT: (id) => same(`[${id}]`, 'NOT_AN_OBJECT'),
  FOREIGN_RECORD: (id) => same(`{"id":${id},"door":"south","persons":2}`, 'FOREIGN_RECORD'),
  NO_KNOWN_COLUMN: (id, taken) =>
    taken
      ? { value: `{"id":${id},"article":"pear"}`, before: 'NO_KNOWN_COLUMN' }
      : same(`{"id":${id},"ware":"pear"}`, 'NO_KNOWN_COLUMN'),
  KEY_MISSING: (id, taken) =>
    taken
      ? { value: `{"number":${id},"item":"pear"}`, before: 'KEY_MISSING' }
      : same(`{"nr":${id},"item":"pear"}`, 'KEY_MISSING'),
  TYPE_MISMATCH: (id, taken) =>
    taken
      ? { value: `{"id":${id},"pieces":${101 + (id % 800)}}`, before: 'TYPE_MISMATCH pieces' }
      : same(`{"id":${id},"pieces":"a few"}`, 'TYPE_MISMATCH pieces'),
  VALUE_INVALID: (id, taken) =>
    taken
      ? { value: `{"id":${id},"price":"250 cents"}`, before: 'VALUE_INVALID price' }
      : same(`{"id":${id},"price":"dear"}`, 'VALUE_INVALID price'),
  SQL_FAILED: (id, taken) =>
    taken
      ? { value: `{"id":${id},"discount":"half"}`, before: 'SQL_FAILED' }
      : // What one definition cannot take at all, the other finds bad for another reason.
        {
          value: `{"id":${id},"discount":"half","note":"called off"}`,
          before: 'SQL_FAILED',
          after: 'VALUE_INVALID note',
        },
  DUPLICATE_KEY_DIFFERS: (id, taken) =>
    taken
      ? { value: `{"id":${firstOf(id)},"item":"apple","clerk":"Ben"}`, before: 'DUPLICATE_KEY_DIFFERS' }
      : same(`{"id":${firstOf(id)},"item":"quince"}`, 'DUPLICATE_KEY_DIFFERS'),
}

function same(value: Sale['value'], reason: Sale['before'] & string): Sale {
  return { value, before: reason, after: reason }
}

function firstOf(id: number): number {
  return id % good
}

/** 1,230 records: rows first, then bad ones of every reason in turn. */
export function sales(): Sale[] {
  // The later definition does without the clerk.
  const rows = Array.from(
    { length: good },
    (_, id): Sale => ({
      value: `{"id":${id},"item":"apple","clerk":"Ada"}`,
      changes: true,
    }),
  )
  const off = Array.from(
    { length: calledOff },
    (_, at): Sale => ({
      value: `{"id":${good + at},"item":"plum","note":"called off"}`,
      after: 'VALUE_INVALID note',
    }),
  )
  const codes = Object.keys(makers) as ReasonCode[]
  const bad = Array.from({ length: each }, (_, round) =>
    codes.map((code, at) => makers[code](10_000 + round * codes.length + at, round % 2 === 0)),
  )
  return [...rows, ...off, ...bad.flat().slice(0, all)]
}

/** How many of some records there are by what is said of each. */
export function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1
  return counts
}
