/**
 * `npm run test:mutations [-- NAME …]`: proof that the tests can fail. Each mutation takes one guarantee out of a copy
 * of the sources, and the command that stands guard over it must then fail, and say why; over the copy with nothing
 * taken out it must pass. Exit code 1 when either does not. A mutation whose guard cannot run here is printed and
 * counted as skipped.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Ended, judge, judgeControl, type Verdict } from './judge.ts'
import { type Edit, type Mutation, mutations } from './mutations.ts'

const checkout = join(import.meta.dirname, '..', '..')
const copied = ['bin', 'src', 'pipelines', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']
const timeoutMs = 600_000

async function copyCheckout(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'pinflow-mutation-'))
  for (const name of copied) await cp(join(checkout, name), join(copy, name), { recursive: true })
  await symlink(join(checkout, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** @returns how to undo it */
async function apply(copy: string, { file, find, replace }: Edit): Promise<() => Promise<void>> {
  const path = join(copy, file)
  const original = await readFile(path, 'utf8')
  const [before, after, ...more] = original.split(find)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(
      `${file} holds the text to be changed ${original.split(find).length - 1} times, not once:\n${find}`,
    )
  await writeFile(path, before + replace + after)
  return () => writeFile(path, original)
}

async function run(copy: string, [program = '', ...args]: readonly string[]): Promise<Ended> {
  const path = `${join(copy, 'node_modules', '.bin')}:${process.env.PATH}`
  const env = { ...process.env, PATH: path, NO_COLOR: '1' }
  const child = spawn(program, args, {
    cwd: copy,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, output: stdout + stderr }
}

/** Guards that have been run with nothing taken out, by their command. */
const controls = new Map<string, Promise<Verdict | undefined>>()

function control(copy: string, command: readonly string[]): Promise<Verdict | undefined> {
  const key = command.join(' ')
  const known = controls.get(key) ?? run(copy, command).then(judgeControl)
  controls.set(key, known)
  return known
}

async function tryMutation(copy: string, { edits, caughtBy, shows }: Mutation): Promise<Verdict> {
  const untold = await control(copy, caughtBy)
  if (untold) return untold
  const undo: (() => Promise<void>)[] = []
  try {
    for (const edit of edits) undo.push(await apply(copy, edit))
    return judge(await run(copy, caughtBy), shows)
  } finally {
    for (const restore of undo.reverse()) await restore()
  }
}

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !mutations.some((mutation) => mutation.name === name))
if (unknown !== undefined) {
  console.error(`there is no mutation ${unknown}, but ${mutations.map(({ name }) => name).join(', ')}`)
  process.exit(1)
}
const chosen = mutations.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const copy = await copyCheckout()
const counts = { caught: 0, skipped: 0, 'not caught': 0 }
try {
  for (const mutation of chosen) {
    const started = performance.now()
    const verdict = await tryMutation(copy, mutation)
    const seconds = Math.round((performance.now() - started) / 1_000)
    counts[verdict.kind]++
    const why = 'why' in verdict ? `: ${verdict.why}` : ''
    const kind = verdict.kind === 'not caught' ? 'NOT CAUGHT' : verdict.kind
    console.log(`${kind} in ${seconds} s: ${mutation.name}, by ${mutation.caughtBy.join(' ')}${why}`)
  }
} finally {
  await rm(copy, { recursive: true, force: true })
}
const { caught, skipped, 'not caught': failed } = counts
console.log(
  `guards that were also run with nothing taken out: ${controls.size}\nTests  ${caught} passed, ${failed} failed, ${skipped} skipped (mutations caught)`,
)
process.exitCode = failed === 0 ? 0 : 1
