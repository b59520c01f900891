/** What the guide tells people to type works, in order, in an empty folder. */
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const launcher = join(root, 'bin/pinflow.js')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pinflow-guide-'))
  await mkdir(join(folder, 'bin'))
  // `npx pinflow` means the checkout, and nothing else is fetched.
  const npx = `#!/bin/sh\n[ "$1" = pinflow ] || exit 64\nshift\nexec "${process.execPath}" "${launcher}" "$@"\n`
  await writeFile(join(folder, 'bin/npx'), npx)
  await chmod(join(folder, 'bin/npx'), 0o755)
})
afterAll(() => rm(folder, { recursive: true }))

/** The contents of a document's ```sh blocks. */
function shellBlocks(text: string): string[] {
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
}

async function shell(script: string, cwd: string): Promise<string> {
  // Compiled code is kept from command to command: to start is most of what they do.
  const PATH = `${join(folder, 'bin')}${delimiter}${process.env.PATH}`
  const env = { ...process.env, PATH, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const { stdout } = await run('sh', ['-e', '-c', script], { cwd, env, maxBuffer: 2 ** 26 })
  return stdout
}

const guides = globSync('docs/guide/*.md', { cwd: root }).sort()

test('there is a guide, with something to type', async () => {
  expect(guides).toContain(join('docs', 'guide', 'first-steps.md'))
  expect(shellBlocks('a\n```sh\none\n```\n```text\nno\n```\n```sh\ntwo\nthree\n```\n')).toEqual([
    'one\n',
    'two\nthree\n',
  ])
})

describe.each(guides)('%s', (guide) => {
  const blocks = shellBlocks(readFileSync(join(root, guide), 'utf8'))
  const cwd = () => join(folder, basename(guide, '.md'))
  beforeAll(() => mkdir(cwd()))

  test.each(blocks)('%s', async (block) => {
    await shell(block, cwd())
  })
})
