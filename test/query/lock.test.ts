/** The second wall: what a text cannot do in a locked engine, even if it were let in. */
import { link, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine, literal } from '../../src/engine/index.ts'
import { lockDown } from '../../src/query/guard/lock.ts'
import { escapes } from './corpus/escapes.ts'
import { plant, secret } from './server.ts'

let root: string
let files: string[]
const places = (name: string) =>
  join(root, { link: 'tables/link.csv', hard: 'tables/hard.csv' }[name] ?? name)

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pinflow-lock-'))
  await plant(join(root, 'outside'))
  for (const name of ['tables', 'tables-evil', 'spill']) await mkdir(join(root, name))
  await symlink(join(root, 'outside/secret.csv'), places('link'))
  await link(join(root, 'outside/secret.csv'), places('hard'))
  const engine = await Engine.open({ memoryBytes: 2 ** 27, threads: 1, temporaryFolder: join(root, 'spill') })
  await engine.with((session) =>
    session.run(`COPY (SELECT 1 AS ind) TO ${literal(places('file'))} (FORMAT parquet)`),
  )
  engine.close()
  files = (await readdir(root, { recursive: true })).sort()
})
afterAll(() => rm(root, { recursive: true }))

/** What stays open in a locked engine, and only the judge keeps out: its own files, memory, and what is told. */
const openToIt = /\{file\}|\{scratch\}|\{\}|:memory:/
const vectors = [
  'functions that read files',
  'files named as tables',
  'paths in disguise',
  'writing files',
  'other databases',
  'extensions',
  'settings changed',
].map((name) => [name, (escapes[name] ?? []).filter((text) => !openToIt.test(text))] as const)

describe.each(vectors)('%s', (_, texts) => {
  test.each(texts)('%s', async (template) => {
    const sql = template.replace(/\{(\w+)\}/g, (__, name: string) => places(name))
    const engine = await Engine.open({
      memoryBytes: 2 ** 27,
      threads: 1,
      temporaryFolder: join(root, 'spill'),
    })
    try {
      await engine.with(async (session) => {
        await session.run(
          `CREATE SCHEMA batch; CREATE VIEW batch.geo AS FROM read_parquet(${literal(places('file'))})`,
        )
        await lockDown(session, [places('file')])
        const told = await session.rows(sql).then(JSON.stringify, String)
        expect(told).not.toContain(secret)
        const [settings] = await session.rows(
          "SELECT current_setting('memory_limit') AS m, current_setting('threads') AS t, current_setting('enable_external_access') AS e",
        )
        expect(settings).toEqual({ m: '128.0 MiB', t: 1, e: false })
      })
    } finally {
      engine.close()
    }
    expect((await readdir(root, { recursive: true })).sort()).toEqual(files)
  })
})
