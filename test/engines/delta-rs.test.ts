import { afterAll, beforeAll, expect, test } from 'vitest'
import { emulate, syntheticSource } from '../../src/emulate/index.ts'
import { listTables, runSql } from '../../src/platform/index.ts'
import { startPlatform } from './platform.ts'
import { installPython, runPython } from './python.ts'

let platform: Awaited<ReturnType<typeof startPlatform>>
beforeAll(async () => {
  await installPython()
  platform = await startPlatform()
})
afterAll(() => platform?.end())

const reader = `
from deltalake import DeltaTable
result = {}
for arg in sys.argv[1:]:
  name, path = arg.split('=', 1)
  table = DeltaTable(path)
  rows = table.to_pyarrow_table().to_pylist()
  inds = [row['ind'] for row in rows if 'ind' in row]
  result[name] = {'version': table.version(), 'rows': len(rows), 'sum': sum(inds),
    'times': sum(int(row[c].timestamp()) for row in rows for c in ('timestamp', 'date_joined') if row.get(c) and 'ind' in row)}
done(result)`

test('delta-rs reads every table as we do, after several commits and a checkpoint', async () => {
  const { platform: running, gatewayUrl } = platform
  for (let round = 0; round < 12; round++) {
    const source = await syntheticSource(running.pipeline, { order: 'random', posts: 40, seed: round })
    await emulate({ pipeline: running.pipeline, gatewayUrl, source, via: 'both' })
    await running.settle()
    await running.runBatch()
  }
  const tables = await listTables(running)
  const args = Object.entries(tables).map(([name, { path }]) => `${name}=${path}`)
  const read = (await runPython(reader, args)) as Record<string, Record<string, number>>
  for (const [name, { version, rows }] of Object.entries(tables)) {
    expect(read[name], name).toMatchObject({ version, rows })
    if (name.startsWith('quarantine')) continue
    const time = name.endsWith('.geo')
      ? '"timestamp"'
      : name.endsWith('.user')
        ? 'date_joined'
        : 'NULL::TIMESTAMPTZ'
    const [, dataset = ''] = name.split('.')
    const sql = `SELECT sum(ind)::BIGINT AS sum, coalesce(sum(floor(epoch(${time}))), 0)::BIGINT AS times FROM ${name.split('.')[0]}."${dataset}"`
    const [expected] = (await runSql(running, sql, 'batch')).rows
    expect(read[name], name).toMatchObject(expected ?? {})
  }
  expect(tables['stream.pin']?.version).toBeGreaterThan(10)
})
