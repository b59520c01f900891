/**
 * Loaded into a platform's process before all else (`node --import`): at SIGUSR2 it reads a `Plan`, and then kills the
 * process before or after the operation that the plan names, or makes operations slow or fail. The product's code is
 * as it is: what is changed are functions of `node:fs/promises` and of `lmdb` that it calls.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import fsPromises, { type FileHandle } from 'node:fs/promises'
import { registerHooks, syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { hurtFileOf, type Plan, type Point, planVariable } from './plan.ts'

type Operation = (this: unknown, ...args: unknown[]) => unknown

const planFile = process.env[planVariable]
let plan: Plan | undefined

if (planFile !== undefined) {
  process.on('SIGUSR2', () => {
    plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan
  })
  patchFiles(fsPromises as unknown as Record<string, Operation>)
  syncBuiltinESMExports()
  // `lmdb` is what `lmdb-at-points.ts` makes of it, and itself for that.
  const wrapper = new URL('lmdb-at-points.ts', import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'lmdb' && context.parentURL !== wrapper
        ? { url: wrapper, shortCircuit: true }
        : next(specifier, context),
  })
}

/**
 * Do an operation as the plan has it, and as it is when its turn has not come.
 *
 * @param onHurt is told of an operation that is hurt
 */
export function at<T>(
  point: Point | undefined,
  operation: () => T,
  onHurt: (ending: Promise<unknown>) => void = () => undefined,
): T | Promise<Awaited<T>> {
  const due = point !== undefined && plan?.point === point && --plan.at < 1 && plan.times-- > 0
  if (!due) return operation()
  const ending = hurt(plan!, operation)
  onHurt(ending)
  return ending
}

async function hurt<T>({ point, harm, delayMs }: Plan, operation: () => T): Promise<Awaited<T>> {
  appendFileSync(hurtFileOf(planFile!), `${harm} ${point}\n`)
  if (delayMs !== undefined) await sleep(delayMs)
  if (harm === 'kill before') process.kill(process.pid, 'SIGKILL')
  if (harm === 'fail') throw failure('EIO', point)
  const result = await operation()
  if (harm === 'kill after') process.kill(process.pid, 'SIGKILL')
  if (harm === 'fail after') throw failure('ETIMEDOUT', point)
  return result
}

function failure(code: string, point: Point): Error {
  return Object.assign(new Error(`${code}: ${point} was made to fail`), { code })
}

function patchFiles(target: Record<string, Operation>): void {
  const { link, readFile, readdir, open } = { ...target } as Record<string, Operation>
  target.link = (from, to) => at(pointOfLink(String(from), String(to)), () => link!(from, to))
  target.readFile = (path, ...rest) => at(isStored(path) ? 'read' : undefined, () => readFile!(path, ...rest))
  target.readdir = (path, ...rest) => at(isStored(path) ? 'read' : undefined, () => readdir!(path, ...rest))
  target.open = async (path, ...rest) => {
    const handle = (await open!(path, ...rest)) as FileHandle
    const sync = handle.sync.bind(handle)
    handle.sync = () => at(pointOfFlush(String(path)), sync)
    return handle
  }
}

function isStored(path: unknown): boolean {
  return typeof path === 'string' && /\/(lake|tables)\//.test(path)
}

/** The point that putting an object is, by its name and, for an entry of the epoch log, its contents. */
function pointOfLink(from: string, to: string): Point | undefined {
  if (to.includes('/lake/topics/')) return 'raw object'
  if (to.includes('/landed/')) return 'landed marker'
  if (to.endsWith('.checkpoint.parquet')) return 'checkpoint'
  if (to.includes('/_delta_log/'))
    return to.includes('/tables/quarantine/') ? 'quarantine commit' : 'data commit'
  if (!to.includes('/epochs/')) return undefined
  const { kind } = JSON.parse(readFileSync(from, 'utf8')) as { kind: string }
  return kind === 'take' || kind === 'land' ? kind : undefined
}

function pointOfFlush(path: string): Point | undefined {
  if (path.includes('/tables/') && path.endsWith('.parquet')) return 'data file'
  return isStored(path) ? 'flush' : undefined
}
