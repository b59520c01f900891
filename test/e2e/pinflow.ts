import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

/** The checkout. */
export const root = join(import.meta.dirname, '..', '..')

interface Options {
  /** Configuration by variable; nothing else of `PINFLOW_*` is passed on. */
  env?: Record<string, string>
  cwd?: string
  /** A command that goes before `node`, such as one that enters another namespace. */
  before?: readonly string[]
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Run `bin/pinflow.js` as a process of its own, to its end. */
export async function pinflow(args: readonly string[], options: Options = {}): Promise<Ended> {
  const child = launch(args, options)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close'),
  ])
  return { code, stdout, stderr }
}

/** As `pinflow`, for a command that succeeds, with the one JSON document it prints. */
export async function pinflowJson<T>(args: readonly string[], options: Options = {}): Promise<T> {
  const { code, stdout, stderr } = await pinflow([...args, '--json'], options)
  if (code !== 0) throw new Error(`pinflow ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}

export interface Started {
  gatewayUrl: string
  apiUrl: string
  child: ChildProcess
  /** What it has written to standard error so far. */
  stderr(): string
  /** Ask it to stop, as Ctrl-C does. @returns its exit code */
  stop(): Promise<number | null>
}

/** Run `pinflow start` on free ports until it is ready. */
export async function start(args: readonly string[], options: Options = {}): Promise<Started> {
  const child = launch(['start', '--gateway-port', '0', '--api-port', '0', '--json', ...args], options)
  return started(child)
}

/** @param child a `pinflow start --json` that was just launched */
export async function started(child: ChildProcess): Promise<Started> {
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  const lines = createInterface({ input: child.stdout! })
  const [ready] = (await Promise.race([once(lines, 'line'), closed])) as [unknown]
  if (typeof ready !== 'string') throw new Error(`pinflow start ended with ${ready}: ${stderr}`)
  const { gatewayUrl, apiUrl } = JSON.parse(ready) as { gatewayUrl: string; apiUrl: string }
  return {
    gatewayUrl,
    apiUrl,
    child,
    stderr: () => stderr,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
      return (await closed)[0]
    },
  }
}

/** Begin `bin/pinflow.js` as a process of its own. */
export function launch(
  args: readonly string[],
  { env = {}, cwd = root, before = [] }: Options = {},
): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PINFLOW_'))
  const [command, ...rest] = [...before, process.execPath, join(root, 'bin', 'pinflow.js'), ...args]
  return spawn(command!, rest, {
    cwd,
    env: { ...Object.fromEntries(own), NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** The lines of a `--json` that prints one object a line. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
