/** How commands end: 0 done, 1 yours to mend, 2 ours, 130 after Ctrl-C; and in one form when they fail. */
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { launch, pinflow, start } from '../e2e/pinflow.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let folder: string
let data: string
let damaged: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-exit-'))
  data = join(folder, 'data')
  damaged = join(folder, 'damaged')
  expect((await pinflow(['demo', '--posts', '5', '--data', data])).code).toBe(0)
  await cp(data, damaged, { recursive: true })
  await writeFile(join(damaged, 'lake/_pinflow/pinterest/epochs', `${'0'.repeat(20)}.json`), '{}')
  return () => rm(folder, { recursive: true })
})

const commands: Record<string, string[]> = {
  consume: ['consume', 'demo.geo', '--from-beginning'],
  sql: ['sql', 'SELECT count(*) FROM geo'],
  ask: ['ask', '6'],
  tables: ['tables'],
  'run batch': ['run', 'batch'],
  emulate: ['emulate', '--posts', '1'],
  verify: ['verify'],
}

describe.each(Object.entries(commands))('%s', (_, args) => {
  test('0 when it is done, with one JSON document where it is asked for', async () => {
    const { code, stdout, stderr } = await pinflow([...args, '--json', '--data', data])
    expect(code, stderr).toBe(0)
    if (args[0] !== 'consume') JSON.parse(stdout)
  })

  test('1 when it is yours to mend, 2 when it is ours, in one form and with nothing on standard output', async () => {
    const refused = await pinflow([...args, '--data', data], { env: { PINFLOW_LAND_AGE_MS: 'never' } })
    const broken = await pinflow([...args, '--data', damaged])
    expect([refused.code, broken.code]).toEqual([1, 2])
    for (const { stdout, stderr } of [refused, broken]) {
      expect(stdout).toBe('')
      expect(stderr).toMatch(
        /^(CONFIG_INVALID|EPOCHS_DAMAGED): .+\nNext: .+\nMore: pinflow explain [A-Z_]+$/m,
      )
      expect(stderr).not.toMatch(/\n\s+at /)
    }
  })
})

const endless = 'SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = -1'
/** Ended within a second; the rest is for a machine that is busy. */
const patienceMs = 5_000

/** Run a query without end, and Ctrl-C it once it is under way. */
async function interrupted(
  args: readonly string[],
): Promise<{ code: number | null; ms: number; said: string }> {
  const child = launch(args)
  const said = Promise.all([text(child.stdout!), text(child.stderr!)])
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  expect(child.exitCode).toBeNull()
  const begun = performance.now()
  child.kill('SIGINT')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ms: performance.now() - begun, said: (await said).join('') }
}

describe('Ctrl-C ends', () => {
  test('a query of the running platform, which is idle then', async () => {
    const platform = await start(['--data', data])
    try {
      const { code, ms, said } = await interrupted(['sql', endless, '--data', data])
      expect({ code, said }).toEqual({ code: 130, said: '' })
      expect(ms).toBeLessThan(patienceMs)
      // Questions take turns: the next would wait for one that still goes on.
      const begun = performance.now()
      expect((await pinflow(['sql', 'SELECT 1', '--data', data])).code).toBe(0)
      expect(performance.now() - begun).toBeLessThan(10_000)
    } finally {
      expect(await platform.stop()).toBe(0)
    }
  })

  test('a query in the process of the command', async () => {
    const { code, ms, said } = await interrupted(['sql', endless, '--data', data])
    expect({ code, said }).toEqual({ code: 130, said: '' })
    expect(ms).toBeLessThan(patienceMs)
    expect((await pinflow(['topics', '--data', data])).code).toBe(0)
  })

  test('what goes on without end', async () => {
    const { code, ms } = await interrupted(['consume', 'demo.geo', '--follow', '--data', data])
    expect(code).toBe(130)
    expect(ms).toBeLessThan(patienceMs)
  })
})

test('formats: csv holds one answer, json is said once', async () => {
  const csv = await pinflow(['sql', "SELECT 'a,b' AS x, NULL AS y", '--format', 'csv', '--data', data])
  expect(csv).toMatchObject({ code: 0, stdout: 'x,y\n"a,b",\n', stderr: '' })
  const markdown = await pinflow(['ask', '6', '--format', 'markdown', '--data', data])
  expect(markdown.stdout).toMatch(/^## 6 {2}Users who joined .*\n\n\| post_year \| number_users_joined \|\n/)
  for (const args of [
    ['ask', '--format', 'csv'],
    ['sql', 'SELECT 1', '--format', 'csv', '--json'],
  ]) {
    const { code, stdout, stderr } = await pinflow([...args, '--data', data])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^USAGE: /)
  }
  const at = await pinflow(['sql', 'SELECT 1', '--at', 'soon', '--data', data])
  expect(at).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('It is a version such as 12, or a time'),
  })
})
