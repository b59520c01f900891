import { identifier, type Row, type Session } from '../engine/index.ts'
import type { TableSchema } from '../table/index.ts'
import type { PairChange, RowExample } from './change.ts'

interface Side {
  /** As SQL, to stand after FROM. */
  relation: string
  schema: TableSchema
}

export interface RowsCompared {
  counts: PairChange['rows']
  changed: RowExample[]
  gone: RowExample[]
}

const present = '"$present"'

/** Rows before and after: by their key where both have it and it tells rows apart, else by their contents. */
export async function compareRows(
  session: Session,
  key: readonly string[],
  { before, after, examplesMax }: { before: Side; after: Side; examplesMax: number },
): Promise<RowsCompared> {
  const hasKey = [before, after].every(({ schema }) =>
    key.every((column) => typeOf(schema, column) !== undefined),
  )
  return key.length > 0 && hasKey && (await isKey(session, key, before))
    ? byKey(session, key, before, after, examplesMax)
    : byContents(session, before, after, examplesMax)
}

/** A definition may have had another key. */
async function isKey(session: Session, key: readonly string[], { relation }: Side): Promise<boolean> {
  const [row] = await session.rows(
    `SELECT count(*) AS "rows", count(DISTINCT (${key.map(identifier).join(', ')})) AS keys FROM ${relation}`,
  )
  return row?.rows === row?.keys
}

async function byKey(
  session: Session,
  key: readonly string[],
  before: Side,
  after: Side,
  examplesMax: number,
): Promise<RowsCompared> {
  const compared = (column: string) => equalSql(column, before.schema, after.schema)
  const columns = new Set([...before.schema, ...after.schema].map(({ name }) => name))
  const differs = [...columns].map((column) => `NOT (${compared(column)})`).join(' OR ')
  const joined = `(SELECT *, true AS ${present} FROM ${before.relation}) AS old
    FULL JOIN (SELECT *, true AS ${present} FROM ${after.relation}) AS new ON ${key.map(compared).join(' AND ')}`
  const both = `old.${present} AND new.${present}`
  const [row] = await session.rows(
    `SELECT count(old.${present}) AS before, count(new.${present}) AS after,
       count(*) FILTER (${both} AND (${differs})) AS changed,
       count(*) FILTER (new.${present} IS NULL) AS gone, count(*) FILTER (old.${present} IS NULL) AS added FROM ${joined}`,
  )
  const order = key.map((column) => `old.${identifier(column)}`).join(', ')
  const examples = async (condition: string) => {
    const rows = await session.rows(
      `SELECT old, new FROM ${joined} WHERE ${condition} ORDER BY ${order} LIMIT ${examplesMax}`,
    )
    return rows.map(({ old, new: later }) => ({ before: rowOf(old), after: rowOf(later) }))
  }
  return {
    counts: countsOf(row),
    changed: await examples(`${both} AND (${differs})`),
    gone: await examples(`new.${present} IS NULL`),
  }
}

/** As multisets over the columns that both have. */
async function byContents(
  session: Session,
  before: Side,
  after: Side,
  examplesMax: number,
): Promise<RowsCompared> {
  const shared = before.schema.filter(({ name }) => typeOf(after.schema, name) !== undefined)
  const columns = shared.map(({ name, type }) => {
    const isSame = JSON.stringify(type) === JSON.stringify(typeOf(after.schema, name))
    return isSame ? identifier(name) : `CAST(${identifier(name)} AS VARCHAR) AS ${identifier(name)}`
  })
  const side = ({ relation }: Side, sign: number) =>
    `SELECT ${[...columns, `${sign} AS ${present}`].join(', ')} FROM ${relation}`
  const counted = `(SELECT * EXCLUDE (${present}), sum(${present}) AS ${present}
    FROM (${side(before, 1)} UNION ALL ${side(after, -1)}) GROUP BY ALL)`
  const [row] = await session.rows(
    `SELECT (SELECT count(*) FROM ${before.relation}) AS before, (SELECT count(*) FROM ${after.relation}) AS after,
       0 AS changed, coalesce(sum(${present}) FILTER (${present} > 0), 0) AS gone,
       coalesce(-sum(${present}) FILTER (${present} < 0), 0) AS added FROM ${counted}`,
  )
  const gone = await session.rows(
    `SELECT * EXCLUDE (${present}) FROM ${counted} WHERE ${present} > 0 ORDER BY ALL LIMIT ${examplesMax}`,
  )
  return {
    counts: countsOf(row),
    changed: [],
    gone: gone.map((each) => ({ before: each, after: null })),
  }
}

/** Whether a column is the same on both sides; one that a side lacks is null there. */
function equalSql(column: string, before: TableSchema, after: TableSchema): string {
  const [old, later] = [typeOf(before, column), typeOf(after, column)]
  const name = identifier(column)
  if (old === undefined) return `new.${name} IS NULL`
  if (later === undefined) return `old.${name} IS NULL`
  return JSON.stringify(old) === JSON.stringify(later)
    ? `old.${name} IS NOT DISTINCT FROM new.${name}`
    : `CAST(old.${name} AS VARCHAR) IS NOT DISTINCT FROM CAST(new.${name} AS VARCHAR)`
}

function typeOf(schema: TableSchema, column: string): unknown {
  return schema.find(({ name }) => name === column)?.type
}

function countsOf(row: Row | undefined): PairChange['rows'] {
  const count = (name: string) => Number(row?.[name] ?? 0)
  return {
    before: count('before'),
    after: count('after'),
    changed: count('changed'),
    gone: count('gone'),
    added: count('added'),
  }
}

function rowOf(value: unknown): Row | null {
  const { $present: isThere, ...row } = (value ?? {}) as Row
  return isThere === true ? row : null
}
