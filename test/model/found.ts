import { accountOf } from '../../src/clean/index.ts'
import type { ObjectStore } from '../../src/core/index.ts'
import type { Engine, Row } from '../../src/engine/index.ts'
import { DeltaTable, scanSql } from '../../src/table/index.ts'
import { type Expected, type PlacedVerdict, quarantineText, rowText, type Thing } from './things.ts'

/** What a table of things, its quarantine and its account hold. */
export async function foundIn(tables: ObjectStore, engine: Engine, prefix: string): Promise<Expected> {
  const rows = await scan(tables, engine, prefix, 'id, n, t')
  const columns = 'epoch, topic, "partition", "offset", reason, value'
  const bad = await scan(tables, engine, `quarantine/${prefix}`, columns)
  const data = new DeltaTable(tables, prefix, engine)
  const snapshot = await data.snapshot()
  if (!snapshot) throw new Error('there is no table')
  const { unwrapped: _, ...account } = await accountOf(data, snapshot)
  return {
    rows: rows.map((row) => rowText(row as unknown as Thing)).sort(),
    quarantined: bad.map((row) => quarantineText(row as unknown as PlacedVerdict, String(row.reason))).sort(),
    account,
  }
}

async function scan(tables: ObjectStore, engine: Engine, prefix: string, columns: string): Promise<Row[]> {
  const table = new DeltaTable(tables, prefix, engine)
  const snapshot = await table.snapshot()
  if (!snapshot) throw new Error(`there is no table ${prefix}`)
  const relation = await scanSql(tables, prefix, snapshot)
  return engine.with((session) => session.rows(`SELECT ${columns} FROM ${relation}`))
}
