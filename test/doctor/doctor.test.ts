/** The command, in every state a folder can be in. */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import type { Finding } from '../../src/doctor/index.ts'
import { pinflow, start } from '../e2e/pinflow.ts'
import { mountVolume } from '../volume.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let folder: string
let data: string
const ports = ['--gateway-port', '0', '--api-port', '0']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-doctor-'))
  data = join(folder, 'data')
  const demo = ['demo', '--pipeline', 'test/fixtures/orchard', '--posts', '12', '--data', data]
  expect((await pinflow(demo)).code).toBe(0)
  await cp(data, join(folder, 'copy'), { recursive: true })
  return () => rm(folder, { recursive: true })
})

async function doctor(args: readonly string[], env: Record<string, string> = {}) {
  const own = ['doctor', '--pipeline', 'test/fixtures/orchard', '--json', ...ports, ...args]
  const { code, stdout, stderr } = await pinflow(own, { env })
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(ok).toBe(code === 0)
  const bad = findings.filter(({ state }) => state !== 'ok')
  for (const { next } of bad) expect(next).toMatch(/\.$/)
  return {
    code,
    states: Object.fromEntries(bad.map(({ check, state }) => [check, state])),
    of: (check: string) => findings.find((finding) => finding.check === check),
  }
}

test('all is well, whether a platform runs or not; a person reads a line for each', async () => {
  expect(await doctor(['--data', data, '--deep'])).toMatchObject({ code: 0, states: {} })
  const running = await start(['--pipeline', 'test/fixtures/orchard', '--data', data])
  try {
    const found = await doctor(['--data', data])
    expect(found).toMatchObject({ code: 0, states: {} })
    expect(found.of('owner')?.seen).toContain(`process ${running.child.pid}`)
    expect(found.of('port of the API')?.seen).toContain(new URL(running.apiUrl).port)
    const { code, stdout } = await pinflow(['doctor', '--data', data])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, -2).filter((line) => !/^(ok {2}|warn|fail) {2}\S| {6}→ /.test(line))).toEqual([])
    expect(lines.at(-1)).toBe('Nothing is broken: 20 checks.')
  } finally {
    await running.stop()
  }
})

test('a platform that does not answer', async () => {
  const running = await start(['--pipeline', 'test/fixtures/orchard', '--data', data])
  running.child.kill('SIGSTOP')
  const found = doctor(['--data', data])
  await new Promise((resolve) => setTimeout(resolve, 9_000))
  running.child.kill('SIGCONT')
  expect(await found).toMatchObject({ code: 1, states: { owner: 'fail' } })
  await running.stop()
})

test('a configuration that is none', async () => {
  const found = await doctor(['--data', data], { PINFLOW_LOG_RETENTION_MS: 'soon' })
  expect(found).toMatchObject({ code: 1, states: { configuration: 'fail' } })
  expect(found.of('configuration')?.seen).toContain('PINFLOW_LOG_RETENTION_MS')
})

test('a folder that is not there, and one whose format cannot be read', async () => {
  const missing = await doctor(['--data', join(folder, 'nothing')])
  expect(missing).toMatchObject({ code: 1, states: { 'data folder': 'fail' } })
  const strange = join(folder, 'strange')
  await mkdir(strange)
  await writeFile(join(strange, 'pinflow.json'), '{')
  const found = await doctor(['--data', strange])
  expect(found).toMatchObject({ code: 1, states: { 'data folder': 'fail', platform: 'fail' } })
})

test('a port that another process has', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const found = await doctor(['--data', data, '--gateway-port', String(port)])
  expect(found).toMatchObject({ code: 1, states: { 'port of the front doors': 'fail' } })
  expect(found.of('port of the front doors')?.next).toContain('--gateway-port')
})

test('no space: what the log leaves free is more than there is', async () => {
  const found = await doctor(['--data', data], { PINFLOW_LOG_FREE_BYTES_MIN: String(2 ** 50) })
  expect(found.states).toMatchObject({ 'free space': 'fail', growth: 'warn' })
  expect(found.code).toBe(1)
})

test('topics that are not taken', async () => {
  const found = await doctor(['--data', data], { PINFLOW_LAKE_TOPICS: 'demo.*' })
  expect(found.states).toEqual({ 'datasets without records': 'warn' })
  expect(found.of('datasets without records')?.seen).toContain('orchard-demo-weather')
})

test('files of a process that was killed', async () => {
  const copy = join(folder, 'killed')
  await cp(join(folder, 'copy'), copy, { recursive: true })
  await writeFile(join(copy, 'tmp', 'scratch'), 'x')
  await writeFile(join(copy, 'lake', 'topics', '.put~1'), 'x')
  const found = await doctor(['--data', copy])
  expect(found).toMatchObject({ code: 0, states: { 'leftover files': 'warn' } })
  expect(found.of('leftover files')?.seen).toContain('2 files')
})

test('a log that is behind its lake', async () => {
  const copy = join(folder, 'behind')
  await cp(join(folder, 'copy'), copy, { recursive: true })
  await rm(join(copy, 'log'), { recursive: true })
  const found = await doctor(['--data', copy])
  expect(found).toMatchObject({ code: 1, states: { platform: 'fail' } })
  expect(found.of('platform')).toMatchObject({
    seen: expect.stringMatching(/^LOG_BEHIND_LAKE: /),
    next: expect.stringContaining('--adopt'),
  })
})

test('an epoch log that is damaged is ours to mend', async () => {
  const copy = join(folder, 'damaged')
  await cp(join(folder, 'copy'), copy, { recursive: true })
  await writeFile(join(copy, 'lake/_pinflow/orchard/epochs', `${'0'.repeat(20)}.json`), '{}')
  const found = await doctor(['--data', copy])
  expect(found).toMatchObject({ code: 2, states: { platform: 'fail' } })
})

test('a module for another machine', async () => {
  const hook = `
    import { registerHooks } from 'node:module'
    registerHooks({ resolve: (name, context, next) => {
      if (name === 'lmdb') throw new Error('wrong ELF class')
      return next(name, context)
    } })`
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(hook)}`
  const found = await doctor(['--data', data], { NODE_OPTIONS })
  expect(found).toMatchObject({ code: 1, states: { 'native modules': 'fail' } })
  expect(found.of('native modules')?.next).toContain('npm ci')
})

const volume = mountVolume('size=16m')
afterAll(() => volume?.remove())
test.skipIf(!volume)('a folder that cannot be written', async () => {
  const copy = join(volume!.path, 'data')
  await cp(join(folder, 'copy'), copy, { recursive: true })
  expect(spawnSync('sh', ['-c', 'mount -o remount,ro "$0"', volume!.path]).status).toBe(0)
  const found = await doctor(['--data', copy])
  expect(found.code).toBe(1)
  expect(found.states).toMatchObject({ 'data folder': 'fail' })
  expect(found.of('data folder')?.seen).toContain('cannot be written')
})
