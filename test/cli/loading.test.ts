/** What a command loads: a shell waits for it, and a platform that is restarted is away meanwhile. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pinflow, type Started, start } from '../e2e/pinflow.ts'

/** Writes down, one a line, what Node loads of its own and of others, when the process ends. */
const recorder = `
  import { writeFileSync } from 'node:fs'
  import { registerHooks } from 'node:module'
  const urls = []
  registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context) } })
  process.on('exit', () => writeFileSync(process.env.LOADED, [...urls, ...process.moduleLoadList].join('\\n')))`

/** Of a platform, of the emulator, and what only looks light. */
const heavy = {
  platform: ['@duckdb/node-api', 'fastify', 'lmdb', 'pino', 'src/gateway', 'src/platform', 'src/table'],
  emulator: ['@faker-js/faker', 'undici', 'cli-progress', 'src/emulate'],
  unused: ['ajv', '@fastify/ajv-compiler', 'internal/deps/undici/undici'],
}

let folder: string
let platform: Started
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-loading-'))
  platform = await start(['--data', join(folder, 'data')], { env: recording('start') })
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true })
})

function recording(name: string): Record<string, string> {
  const hook = `data:text/javascript,${encodeURIComponent(recorder)}`
  return { NODE_OPTIONS: `--import=${hook}`, LOADED: join(folder, name) }
}

/** Packages, folders of `src` and modules of Node that were loaded. */
async function loaded(name: string): Promise<Set<string>> {
  const lines = (await readFile(join(folder, name), 'utf8')).split('\n')
  return new Set(
    lines.map((line) => {
      const names = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)|\/(src\/[^/]+)\/|^NativeModule (.+)/.exec(line)
      return names?.slice(1).find((found) => found !== undefined) ?? line
    }),
  )
}

test.each(['--version', '--help', 'config', 'topics', 'sql'])('%s loads no platform', async (command) => {
  const query = command === 'sql' ? ['SELECT 1'] : []
  const options = command.startsWith('-') ? [] : ['--data', join(folder, 'data')]
  const { code, stderr } = await pinflow([command, ...query, ...options], { env: recording('command') })
  expect(code, stderr).toBe(0)
  const all = await loaded('command')
  expect(all).toContain('commander')
  expect(
    Object.values(heavy)
      .flat()
      .filter((name) => all.has(name)),
  ).toEqual([])
})

test('start loads no emulator, and nothing that no platform uses', async () => {
  expect(await platform.stop()).toBe(0)
  const all = await loaded('start')
  expect(heavy.platform.filter((name) => !all.has(name))).toEqual([])
  expect([...heavy.emulator, ...heavy.unused].filter((name) => all.has(name))).toEqual([])
})
