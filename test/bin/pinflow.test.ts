import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const launcher = new URL('../../bin/pinflow.js', import.meta.url)

let root: string
let installed: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pinflow-bin-'))
  installed = join(root, 'node_modules', 'pinflow')
  await mkdir(join(installed, 'bin'), { recursive: true })
  await mkdir(join(installed, 'dist', 'src', 'cli'), { recursive: true })
  await copyFile(launcher, join(installed, 'bin', 'pinflow.js'))
  await writeFile(join(installed, 'package.json'), '{"type": "module"}')
  await writeFile(join(root, 'old.cjs'), oldNode)
  await main('console.log("built", ...process.argv.slice(2))')
})
afterEach(() => rm(root, { recursive: true }))

/** Loaded before the launcher, makes it believe that it runs on an old Node; is not inherited. */
const oldNode = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })
Object.defineProperty(process, 'version', { value: 'v20.20.2' })`

const main = (code: string) => writeFile(join(installed, 'dist', 'src', 'cli', 'main.js'), code)

async function bring(node: string, beside = root): Promise<void> {
  await mkdir(join(beside, 'node_modules', '.bin'), { recursive: true })
  await symlink(node, join(beside, 'node_modules', '.bin', 'node'))
}

function start(argv: string[], { old }: { old: boolean }): ChildProcess {
  const preload = old ? ['--require', join(root, 'old.cjs')] : []
  return spawn(process.execPath, [...preload, join(installed, 'bin', 'pinflow.js'), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 90_000,
  })
}

async function run(argv: string[], options: { old: boolean }) {
  const child = start(argv, options)
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit'),
  ])
  return { stdout, stderr, code, signal }
}

describe('the launcher', () => {
  test('runs the compiled code of a package', async () => {
    expect(await run(['a', 'b'], { old: false })).toMatchObject({ code: 0, stdout: 'built a b\n' })
  })

  test('runs the sources of a checkout, before any build', async () => {
    // Node strips no types below node_modules.
    const checkout = join(root, 'checkout')
    await mkdir(join(checkout, 'src', 'cli'), { recursive: true })
    await mkdir(join(checkout, 'bin'))
    await copyFile(launcher, join(checkout, 'bin', 'pinflow.js'))
    await writeFile(join(checkout, 'package.json'), '{"type": "module"}')
    await writeFile(join(checkout, 'src', 'cli', 'main.ts'), 'console.log("source" as string)')
    installed = checkout
    expect(await run([], { old: false })).toMatchObject({ code: 0, stdout: 'source\n' })
  })

  test.each(['beside', 'above'])('goes on in the Node that lies %s the package', async (where) => {
    await bring(process.execPath, where === 'above' ? root : installed)
    expect(await run(['a', '--b', 'c d'], { old: true })).toMatchObject({
      code: 0,
      stdout: 'built a --b c d\n',
    })
  })

  test('passes the exit code on', async () => {
    await bring(process.execPath)
    await main('process.exitCode = 7')
    expect(await run([], { old: true })).toMatchObject({ code: 7 })
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'passes %s on, and leaves the end to who gets it',
    async (signal) => {
      await bring(process.execPath)
      await main(`process.on('${signal}', () => { console.log('tidy'); process.exit(5) })
      setInterval(() => {}, 1000)
      console.log('ready')`)
      const child = start([], { old: true })
      child.stdout!.setEncoding('utf8')
      await once(child.stdout!, 'data')
      child.kill(signal)
      const [[rest], [code]] = await Promise.all([once(child.stdout!, 'data'), once(child, 'exit')])
      expect([rest, code]).toEqual(['tidy\n', 5])
    },
  )

  test('ends by the signal that ended the command', async () => {
    await bring(process.execPath)
    await main(`process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)`)
    expect(await run([], { old: true })).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  test('says which Node it needs when there is none', async () => {
    const { code, stderr } = await run([], { old: true })
    expect(code).toBe(1)
    expect(stderr).toContain('Node 22.22')
    expect(stderr).toContain('v20.20.2')
  })

  test('says so too when the Node beside it is as old, and does not start itself for ever', async () => {
    await mkdir(join(root, 'node_modules', '.bin'))
    const node = `#!/bin/sh\nexec '${process.execPath}' --require '${join(root, 'old.cjs')}' "$@"\n`
    await writeFile(join(root, 'node_modules', '.bin', 'node'), node, { mode: 0o755 })
    const { code, stderr } = await run([], { old: true })
    expect(code).toBe(1)
    expect(stderr).toContain('Node 22.22')
  })

  test('keeps quiet about SQLite, and about nothing else', async () => {
    await main(`process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning')
      process.emitWarning('something else', 'ExperimentalWarning')`)
    const { stderr } = await run([], { old: false })
    expect(stderr).toContain('something else')
    expect(stderr).not.toContain('SQLite')
  })
})
