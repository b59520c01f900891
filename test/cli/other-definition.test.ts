/** A pipeline that was changed since the platform was started that goes by it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { pinflow, pinflowJson, start } from '../e2e/pinflow.ts'

const pipelineOf = (max: number) => `export default {
  name: 'shop',
  datasets: {
    orders: {
      topics: ['{id}.orders'],
      key: 'id',
      schema: { id: { type: 'integer' }, pieces: { type: 'integer', min: 1, max: ${max} } },
      clean: { file: 'clean/orders.sql' },
      tables: { stream: '{id}_orders_live', batch: '{id}_orders' },
    },
  },
}
`

test('is noticed by replay and rebuild, which would go by the old one; ack wants to know what of', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-definition-'))
  const shop = join(folder, 'shop')
  await mkdir(join(shop, 'clean'), { recursive: true })
  await writeFile(join(shop, 'clean', 'orders.sql'), 'SELECT _record, id, pieces FROM raw_orders')
  await writeFile(join(shop, 'pipeline.js'), pipelineOf(10))
  const named = ['--data', join(folder, 'data'), '--pipeline', shop]
  let server = await start(named)
  onTestFinished(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })
  await fetch(`${server.gatewayUrl}/topics/demo.orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
    body: '{"records": [{"value": {"id": 1, "pieces": 12}}, {"value": {"id": 2, "pieces": 2}}]}',
  })
  await pinflow(['run', 'batch', ...named])
  await writeFile(join(shop, 'pipeline.js'), pipelineOf(20))
  for (const command of [
    ['quarantine', 'replay', 'orders', '--yes'],
    ['tables', 'rebuild', 'orders'],
  ]) {
    const { code, stderr } = await pinflow([...command, ...named])
    expect(stderr).toContain('the platform that is running works with another definition of orders')
    expect(code).toBe(1)
  }
  const unnamed = await pinflow(['quarantine', 'ack', '--note', 'seen', ...named])
  expect([unnamed.code, unnamed.stderr]).toEqual([1, expect.stringContaining('name a dataset')])
  expect(await server.stop()).toBe(0)
  server = await start(named)
  const { done } = await pinflowJson<{ done: { table: string }[] }>([
    'quarantine',
    'replay',
    'orders',
    '--yes',
    ...named,
  ])
  expect(done).toHaveLength(2)
  const rows = await pinflowJson<{ rows: unknown[] }>(['sql', 'SELECT id FROM orders ORDER BY id', ...named])
  expect(rows.rows).toEqual([{ id: 1 }, { id: 2 }])
  const all = await pinflow(['quarantine', 'ack', '--all', '--note', 'seen', ...named])
  expect(all.code).toBe(0)
}, 60_000)
