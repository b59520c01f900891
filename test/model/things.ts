import type { Dataset } from '../../src/pipeline/index.ts'

/**
 * A dataset of three columns, and records for it whose fate is known before any of our code has seen them: its rules
 * are written here a second time, in plain TypeScript.
 */
const cleaningText = `
SELECT _record, id,
  CASE WHEN t = 'boom' THEN CAST(t AS INTEGER) ELSE n END AS n,
  CASE WHEN t = 'none' THEN NULL ELSE t END AS t,
  CASE WHEN n < 0 THEN 'n' END AS bad_reason
FROM raw_thing`

export const topics = ['things', 'streaming-things'] as const

export const thing: Dataset = {
  name: 'thing',
  topics: [
    { name: topics[0], partitioner: 'kafka' },
    { name: topics[1], partitioner: 'kinesis' },
  ],
  key: ['id'],
  onDuplicate: 'first',
  schema: {
    id: { type: 'text' },
    n: { type: 'integer', from: ['n', 'count'], max: 99 },
    t: { type: 'text' },
  },
  sql: cleaningText,
  sqlFile: 'thing.sql',
  tables: { stream: 'thing_stream', batch: 'thing_batch' },
  definition: 'thing-1',
}

/** Another dataset of the pipeline: what looks like one of its records is foreign to `thing`. */
export const other: Dataset = {
  ...thing,
  name: 'other',
  topics: [{ name: 'others', partitioner: 'kafka' }],
  schema: { id: { type: 'text' }, a: { type: 'text' }, b: { type: 'text' }, c: { type: 'text' } },
  sql: 'SELECT _record, id, a, b, c FROM raw_other',
  tables: { stream: 'other_stream', batch: 'other_batch' },
  definition: 'other-1',
}

/** A clean row. */
export interface Thing {
  id: string | null
  n: number | null
  t: string | null
}

export type Verdict = { row: Thing } | { reason: string }

/** A value on its way, and what becomes of it before the key rule. */
export interface Sample {
  value: Buffer | null
  verdict: (key: readonly string[]) => Verdict
}

/** What a record says, and how it is written. */
export interface Draft {
  id: number
  n: number
  t: string
  form: (typeof forms)[number]
}

export const forms = [
  'plain',
  'spaced',
  'escaped',
  'alias',
  'member',
  'string',
  'base64',
  'base64String',
  'lines',
  'noId',
  'wrongType',
  'tooLarge',
  'negative',
  'boom',
  'foreign',
  'keyAlone',
  'twice',
  'list',
  'null',
  'cut',
  'bytes',
  'empty',
] as const

/** A record's bytes, made without any of the code under test, and its verdict. */
export function sampleOf({ id, n, t, form }: Draft): Sample {
  const object = JSON.stringify({ id: String(id), n, t })
  const cleaned = { id: String(id), n, t: t === 'none' ? null : t }
  const good = (text: string | Buffer): Sample => ({
    value: Buffer.from(text),
    verdict: () => ({ row: cleaned }),
  })
  const bad = (value: string | Buffer | null, reason: string): Sample => ({
    value: value === null ? null : Buffer.from(value),
    verdict: () => ({ reason }),
  })
  switch (form) {
    case 'plain':
      return good(object)
    case 'spaced':
      return good(JSON.stringify({ t, id, n: String(n) }, null, 1).replaceAll('\n', ' '))
    case 'escaped':
      return good(object.replace('"id"', '"\\u0069d"').replaceAll('o', '\\u006f'))
    case 'alias':
      return good(JSON.stringify({ count: n, id: String(id), t, beside: [1, { x: null }] }))
    case 'member':
      return good(JSON.stringify({ id, n, t, $pinflow: { base64: 'AA==' } }))
    case 'string':
      return good(JSON.stringify(object))
    case 'base64':
      return good(Buffer.from(object).toString('base64'))
    case 'base64String':
      return good(JSON.stringify(Buffer.from(object).toString('base64')))
    case 'lines':
      return good(JSON.stringify({ id, n, t }, null, 2).replace('\n', '\r\n'))
    case 'noId':
      return {
        value: Buffer.from(JSON.stringify({ id: null, n, t })),
        verdict: () => ({ row: { ...cleaned, id: null } }),
      }
    case 'wrongType':
      return bad(JSON.stringify({ id, n: `${n}x`, t }), 'TYPE_MISMATCH n')
    case 'tooLarge':
      return bad(JSON.stringify({ id, n: 100 + n, t }), 'TYPE_MISMATCH n')
    case 'negative':
      return bad(JSON.stringify({ id, n: -1 - n, t }), 'VALUE_INVALID n')
    case 'boom':
      return bad(JSON.stringify({ id, n, t: 'boom' }), 'SQL_FAILED')
    case 'foreign':
      return bad(JSON.stringify({ id, a: 'x', b: 'y', c: 'z' }), 'FOREIGN_RECORD')
    case 'keyAlone':
      return {
        value: Buffer.from(JSON.stringify({ id })),
        verdict: (key) =>
          key.includes('id') ? { reason: 'NO_KNOWN_COLUMN' } : { row: { id: String(id), n: null, t: null } },
      }
    case 'twice':
      return bad(`{"id":${id},"n":${n},"n":${n}}`, 'DUPLICATE_MEMBER')
    case 'list':
      return bad(`[${object}]`, 'NOT_AN_OBJECT')
    case 'null':
      return bad(null, 'NULL_VALUE')
    case 'cut':
      return bad(object.slice(0, -1), 'NOT_JSON')
    case 'bytes':
      return bad(Buffer.from([0x7b, 0xff, 0x0a, 0x0d, n]), 'INVALID_UNICODE')
    case 'empty':
      return bad('', 'NOT_JSON')
  }
}

/** A record in its place. */
export interface PlacedVerdict {
  epoch: number
  topic: string
  partition: number
  offset: number
  value: Buffer | null
  verdict: Verdict
}

/** What tables must hold, as text that can be sorted and compared. */
export interface Expected {
  rows: string[]
  quarantined: string[]
  account: { read: number; rows: number; duplicates: number; quarantined: number }
}

/** The key rule over records in their order, and the account of it. */
export function expectedOf(
  records: Iterable<PlacedVerdict>,
  rule: Pick<Dataset, 'key' | 'onDuplicate'>,
): Expected {
  const byKey = new Map<string, Thing>()
  const rows: Thing[] = []
  const quarantined: string[] = []
  let read = 0
  let duplicates = 0
  for (const record of records) {
    read++
    const { verdict } = record
    if ('reason' in verdict) {
      quarantined.push(quarantineText(record, verdict.reason))
    } else if (rule.key.length === 0) {
      rows.push(verdict.row)
    } else if (rule.key.some((column) => verdict.row[column as keyof Thing] === null)) {
      quarantined.push(quarantineText(record, 'KEY_MISSING'))
    } else {
      const key = JSON.stringify(rule.key.map((column) => verdict.row[column as keyof Thing]))
      const present = byKey.get(key)
      if (present === undefined || rule.onDuplicate === 'last') byKey.set(key, verdict.row)
      if (present === undefined) continue
      if (rule.onDuplicate === 'last' || rowText(present) === rowText(verdict.row)) duplicates++
      else quarantined.push(quarantineText(record, 'DUPLICATE_KEY_DIFFERS'))
    }
  }
  rows.push(...byKey.values())
  return {
    rows: rows.map(rowText).sort(),
    quarantined: quarantined.sort(),
    account: { read, rows: rows.length, duplicates, quarantined: quarantined.length },
  }
}

export function rowText({ id, n, t }: Thing): string {
  return JSON.stringify([id, n, t])
}

export function quarantineText(
  { epoch, topic, partition, offset, value }: Omit<PlacedVerdict, 'verdict'>,
  reason: string,
): string {
  return JSON.stringify([epoch, topic, partition, offset, reason, value?.toString('base64') ?? null])
}
