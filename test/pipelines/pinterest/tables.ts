import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pipeline from '../../../pipelines/pinterest/pipeline.ts'
import { Engine, identifier, literal, type Row, type Session } from '../../../src/engine/index.ts'

const folder = join(import.meta.dirname, '../../../pipelines/pinterest')
const duckTypes = { text: 'VARCHAR', integer: 'INTEGER', double: 'DOUBLE', timestamp: 'TIMESTAMPTZ' }

/** A session as cleaning and questions have it, until `close`. */
export async function openSession(): Promise<{ session: Session; close: () => void }> {
  const engine = await Engine.open({ memoryBytes: 512 * 2 ** 20, threads: 1, temporaryFolder: tmpdir() })
  const session = await engine.connect()
  await session.run('CREATE OR REPLACE TEMP MACRO make_array(a, b) AS [a, b]')
  return {
    session,
    close: () => {
      session.close()
      engine.close()
    },
  }
}

/** The SQL text of a file of the pipeline. */
export function sqlText(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}

/** Make `raw_<dataset>` of rows, `_record` from 0 on; columns not given are null. */
export async function putRaw(session: Session, dataset: string, rows: readonly Row[]): Promise<void> {
  const schema = Object.entries(pipeline.datasets[dataset]!.schema)
  const declared = schema.map(([name, column]) => `${identifier(name)} ${duckTypes[column.type]}`)
  await put(
    session,
    `raw_${dataset}`,
    ['_record BIGINT', ...declared],
    rows.map((row, n) => ({ _record: n, ...row })),
  )
}

/** Make a table of rows. @param declared columns with types */
export async function put(
  session: Session,
  table: string,
  declared: readonly string[],
  rows: readonly Row[],
) {
  await session.run(`CREATE OR REPLACE TEMP TABLE ${identifier(table)} (${declared.join(', ')})`)
  for (let n = 0; n < rows.length; n += 200) {
    const names = Object.keys(rows[n]!)
    const values = rows
      .slice(n, n + 200)
      .map((row) => `(${names.map((name) => sqlValue(row[name])).join(', ')})`)
    await session.run(
      `INSERT INTO ${identifier(table)} (${names.map(identifier).join(', ')}) VALUES ${values.join(', ')}`,
    )
  }
}

function sqlValue(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  // A literal cannot hold NUL.
  if (typeof value === 'string') return value.split('\0').map(literal).join(' || chr(0) || ')
  return String(value)
}

/** What the cleaning text of a dataset makes of rows, in their order. */
export async function clean(session: Session, dataset: string, rows: readonly Row[]): Promise<Row[]> {
  await putRaw(session, dataset, rows)
  return session.rows(`SELECT * FROM (${sqlText(`clean/${dataset}.sql`)}\n) ORDER BY _record`)
}
