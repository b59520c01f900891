import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CleaningPath, cleaningPaths } from '../../src/clean/index.ts'
import { openPipeline } from '../../src/cli/settings.ts'
import { loadConfig } from '../../src/core/index.ts'
import { Platform, type Report, runSql, verifyPlatform } from '../../src/platform/index.ts'
import { type Acknowledged, Load, randomOf } from './load.ts'
import { pinflow, pinflowJson, type Started, start } from './pinflow.ts'

let folder: string
let data: string
let server: Started | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-kill-'))
  data = join(folder, 'data')
})

afterAll(async () => {
  server?.child.kill('SIGKILL')
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Everything happens often: takes, landings, new segments, commits. */
const env = {
  PINFLOW_TAKE_AGE_MS: '40',
  PINFLOW_LAND_AGE_MS: '200',
  PINFLOW_LAND_FLUSH_SIZE: '150',
  PINFLOW_LOG_SEGMENT_BYTES: '200000',
  PINFLOW_CLEAN_GROUP_RECORDS_MAX: '400',
}

/** Ask a running server to clean as a batch, and do not wait: it will not live to answer. */
async function beginBatch(apiUrl: string): Promise<void> {
  const { token } = JSON.parse(await readFile(join(data, 'server.json'), 'utf8')) as { token: string }
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  void fetch(`${apiUrl}/api/runBatch`, { method: 'POST', headers, body: '{}' })
    .then((response) => response.text())
    .catch(() => undefined)
}

async function kill(running: Started): Promise<void> {
  running.child.kill('SIGKILL')
  await running.stop()
}

async function openPlatform(): Promise<Platform> {
  const settings = await loadConfig({ environment: env, flags: { data }, folder })
  const logger = { fatal() {}, error() {}, warn() {}, info() {} } as never
  return Platform.open({ config: settings.config, pipeline: await openPipeline(settings), logger })
}

test('killed at five random instants under load, it loses no acknowledged record and keeps none twice', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  console.info(`seed ${seed}`)
  const random = randomOf(seed)
  const load = await Load.open(randomOf(seed + 1))

  for (let life = 0; life < 5; life++) {
    server = await start(['--data', data], { env })
    load.start(server.gatewayUrl, 4)
    await sleep(random(900))
    if (life % 2 === 1) {
      await load.stop()
      await beginBatch(server.apiUrl)
      await sleep(random(900))
    }
    await kill(server)
    await load.stop()
  }

  server = await start(['--data', data], { env })
  await load.drain(server.gatewayUrl)
  const second = await pinflow(['start', '--data', data, '--gateway-port', '0', '--api-port', '0'])
  expect(second.code).toBe(1)
  expect(second.stderr).toContain('DATA_FOLDER_IN_USE')
  const report = await pinflowJson<Report>(['run', 'batch', '--data', data])
  expect(report.verify.checks.filter(({ ok }) => !ok)).toEqual([])
  server.child.kill('SIGTERM')
  expect(await server.stop()).toBe(0)

  const platform = await openPlatform()
  try {
    expect(load.acknowledged.length).toBeGreaterThan(100)
    const places = new Set(
      load.acknowledged.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`),
    )
    expect(places.size).toBe(load.acknowledged.length)
    for (const { topic, partition, offset, value } of load.acknowledged) {
      const [record] = platform.log.read(topic, partition, offset, { records: 1, bytes: 1 })
      expect(record).toMatchObject({ offset })
      expect(record?.value?.toString()).toBe(value)
    }
    const { ok, checks } = await verifyPlatform(platform)
    expect(checks.filter((check) => !check.ok)).toEqual([])
    expect(ok).toBe(true)
    for (const path of cleaningPaths) {
      for (const { name } of platform.pipeline.datasets) {
        const sent = load.acknowledged.filter(({ topic }) => topic.endsWith(name))
        expect(await missing(platform, path, name, sent)).toEqual([])
      }
    }
  } finally {
    await platform.abandon()
  }
}, 300_000)

/** Records that are neither a row of a table nor in its quarantine. @throws when a key is in the table twice */
async function missing(
  platform: Platform,
  path: CleaningPath,
  dataset: string,
  sent: readonly Acknowledged[],
) {
  const { rows } = await runSql(platform, `SELECT ind FROM ${path}.${dataset}`, path)
  const held = new Set(rows.map(({ ind }) => ind))
  expect(held.size).toBe(rows.length)
  const bad = await runSql(
    platform,
    `SELECT topic || ' ' || "offset" AS place FROM quarantine.${dataset} WHERE path = '${path}'`,
    path,
  )
  const quarantined = new Set(bad.rows.map(({ place }) => place))
  expect(quarantined.size).toBe(bad.rows.length)
  return sent.filter(({ topic, offset, value }) => {
    const { index, ind = index } = JSON.parse(value) as { index?: number; ind?: number }
    return !held.has(Number(ind)) && !quarantined.has(`${topic} ${offset}`)
  })
}
