/** Definitions changed, and tables taken back, while records go on coming. */
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { runOperation, serveApi } from '../../src/api/index.ts'
import { listTables, type Platform, runSql, verifyPlatform } from '../../src/platform/index.ts'
import { House, orchardWithout } from './house.ts'

vi.setConfig({ testTimeout: 120_000 })

interface Counts {
  epoch: number
}

const changed = expect.objectContaining({ code: 'DEFINITION_CHANGED' })
const ask = (platform: Platform, name: 'runBatch' | 'rebuild', parameters: object) =>
  runOperation(name, { platform, signal: new AbortController().signal, emit: () => undefined }, parameters)

test('a changed definition stops its own dataset, says so, and keeps what it has not cleaned; a rebuild brings all over', async () => {
  const house = await House.make()
  await house.fill(['first'], 1)
  const pipeline = await orchardWithout('harvest')
  const platform = await house.open({ pipeline, segmentBytes: 1 })
  const before = await listTables(platform)
  await house.send(8)

  await expect(ask(platform, 'runBatch', {})).rejects.toEqual(changed)
  const error = expect.stringContaining('another definition')
  const stopped = { state: 'stopped', error, code: 'DEFINITION_CHANGED', epoch: expect.any(Number) }
  expect(platform.states()).toEqual({
    sequencing: { state: 'idle' },
    landing: { state: 'idle' },
    housekeeping: { state: 'idle' },
    'stream.harvest': stopped,
    'batch.harvest': stopped,
    'stream.weather': { state: 'idle', epoch: expect.any(Number) },
    'batch.weather': { state: 'idle', epoch: expect.any(Number) },
  })
  const after = await listTables(platform)
  for (const path of ['stream', 'batch']) {
    expect(after[`${path}.harvest`]).toEqual({ ...before[`${path}.harvest`], stopped: expect.any(String) })
    expect(after[`${path}.weather`]?.rows).toBe(12 + 6)
  }
  await house.expectVerified()

  const api = await serveApi(platform, {
    host: '127.0.0.1',
    port: 0,
    token: 'a token',
    logger: pino({ level: 'silent' }),
  })
  try {
    for (const path of ['live', 'ready']) expect((await fetch(`${api.url}/health/${path}`)).status).toBe(200)
    const ready = await (await fetch(`${api.url}/health/ready`)).json()
    expect(ready).toMatchObject({ ok: true, workers: { 'stream.harvest': stopped } })
  } finally {
    await api.close()
  }

  await ask(platform, 'rebuild', { dataset: 'harvest' })
  await house.send(4)
  await platform.settle()
  await platform.runBatch()
  await house.expectVerified()
  // Without a key no record is a repeat.
  const { rows } = await runSql(platform, 'SELECT count(*) AS n FROM harvest', 'stream')
  expect(rows).toEqual([{ n: (house.sent.harvest * 3) / 4 }])
})

test('a dataset that stands still blocks neither the end nor the next start', async () => {
  const house = await House.make()
  await house.fill(['first'])
  const pipeline = await orchardWithout('harvest')
  await house.open({ pipeline })
  await house.send(8)
  await house.close()
  await house.open()
  await house.expectAllRight()
})

test('tables restored stand still, over a restart as well, and resumed they end as if nothing had been', async () => {
  const house = await House.make()
  await house.fill(['first', 'second'])
  let platform = await house.open()
  const history = await platform.catalog[0]?.table.history(50)
  const epochs = (history ?? []).map(({ commitInfo }) =>
    Number((commitInfo?.pinflow as Counts | undefined)?.epoch),
  )
  const middle = epochs[Math.floor(epochs.length / 2)] ?? 0
  const pausedAt = await platform.restore('harvest', { epoch: middle })
  expect(Object.keys(pausedAt)).toEqual(['stream.harvest', 'batch.harvest'])
  await house.send(8)
  await platform.settle()
  await platform.runBatch()
  await house.expectVerified()
  const expectPaused = async () => {
    for (const [name, epoch] of Object.entries(pausedAt)) {
      expect(epoch).toBeLessThanOrEqual(middle)
      expect(platform.states()[name]).toEqual({ state: 'paused', epoch })
      expect((await listTables(platform))[name]?.pausedAt).toBe(epoch)
    }
  }
  await expectPaused()
  const paused = await runSql(platform, 'SELECT count(*) AS n FROM harvest', 'stream')
  await house.close()
  platform = await house.open()
  await platform.settle()
  await expectPaused()
  expect((await runSql(platform, 'SELECT count(*) AS n FROM harvest', 'stream')).rows).toEqual(paused.rows)
  expect(await platform.resume('harvest')).toEqual(pausedAt)
  expect(await platform.resume('harvest')).toEqual({})
  await house.expectAllRight()
})

test('rebuilding without a running platform starts nothing', async () => {
  const house = await House.make()
  await house.fill(['first'])
  const platform = await house.open({ running: false })
  const { sent } = house
  const cleaned = sent.harvest
  await house.send(4)
  const { epochs, log } = platform
  const range = { topic: 'demo.harvest', partition: 0, from: cleaned, to: sent.harvest, count: 4, bytes: 9 }
  await epochs.take(log.id, [range])
  await platform.rebuild('harvest')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect((await verifyPlatform(platform)).accounts.harvest?.stream?.read).toBe(cleaned)
  await house.close()
  await house.open()
  await house.expectAllRight()
})
