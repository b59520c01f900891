#!/usr/bin/env node
// Starts pinflow on a Node that runs it: this one, or the one installed beside the package. Plain JavaScript, so that
// it works before any build: a checkout runs src/cli/main.ts, a published package dist/src/cli/main.js.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const oldestMajor = 22
const oldestMinor = 22
const root = join(dirname(fileURLToPath(import.meta.url)), '..')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) await run()
else rerun()

async function run() {
  // The lock of a data folder is an SQLite database; that its module is new to Node is no news to the user.
  const emitWarning = process.emitWarning
  process.emitWarning = (warning, ...rest) => {
    if (!/SQLite is an experimental feature/.test(String(warning)))
      emitWarning.call(process, warning, ...rest)
  }
  const source = join(root, 'src', 'cli', 'main.ts')
  const main = existsSync(source) ? source : join(root, 'dist', 'src', 'cli', 'main.js')
  await import(pathToFileURL(main).href)
}

/** Go on in the Node that the package brought, which npm puts beside it or above. */
function rerun() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = root; ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', '.bin', name)
    if (existsSync(node)) {
      const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
        stdio: 'inherit',
      })
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
      child.on('exit', (code, signal) =>
        signal ? process.kill(process.pid, signal) : process.exit(code ?? 2),
      )
      return
    }
    if (folder === dirname(folder)) break
  }
  console.error(
    `pinflow needs Node ${oldestMajor}.${oldestMinor} or later, this is ${process.version}. Install a newer Node.`,
  )
  process.exitCode = 1
}
