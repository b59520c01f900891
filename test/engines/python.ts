import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Versions are part of the test: what these clients do, others of the same kind do. */
const packages = ['boto3==1.44.5', 'deltalake==1.6.6', 'pyarrow==26.0.1']
const environment = join(tmpdir(), `pinflow-engines-${packages.join('-').replaceAll('==', '-')}`)
export const python = join(environment, 'bin', 'python')

/** A Python with the packages above, made once a machine. */
export async function installPython(): Promise<void> {
  const done = join(environment, 'installed')
  if (existsSync(done)) return
  await rm(environment, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', environment])
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
  await writeFile(done, '')
}

/** Run a script, and parse the JSON it prints last. The script ends by `done(value)`. */
export async function runPython(script: string, args: readonly string[]): Promise<unknown> {
  // delta-rs sometimes aborts the process at exit, after all output: leave before that.
  const done =
    'import json, os, sys\ndef done(value):\n  print(json.dumps(value))\n  sys.stdout.flush()\n  os._exit(0)\n'
  const { stdout } = await run(python, ['-c', done + script, ...args], { maxBuffer: 2 ** 28 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
