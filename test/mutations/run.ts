/**
 * `npm run test:mutations [-- NAME …]`: proof that the tests can fail. Each mutation takes one guarantee out of a copy
 * of the sources, and the command that stands guard over it must then fail. Exit code 1 when one passes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Edit, type Mutation, mutations } from './mutations.ts'

const checkout = join(import.meta.dirname, '..', '..')
const copied = ['bin', 'src', 'pipelines', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']
const timeoutMs = 300_000

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

interface Ended {
  code: number | null
  output: string
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

/** @returns why it was not caught, or what cannot be told; undefined when it was */
async function tryMutation(copy: string, { edits, caughtBy, shows }: Mutation): Promise<string | undefined> {
  const undo: (() => Promise<void>)[] = []
  try {
    for (const edit of edits) undo.push(await apply(copy, edit))
    const { code, output } = await run(copy, caughtBy)
    if (code === 0) {
      const skipped = /^.*not run: .*$/m.exec(output)?.[0]
      return skipped ? `skipped: ${skipped}` : 'it was not caught'
    }
    if (code === null) return `its guard did not end in ${timeoutMs / 1_000} s`
    return shows.test(output)
      ? undefined
      : `its guard failed, but for another reason:\n${output.slice(-2_000)}`
  } finally {
    for (const restore of undo.reverse()) await restore()
  }
}

const wanted = process.argv.slice(2)
const chosen = mutations.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const copy = await copyCheckout()
let passed = 0
let failed = 0
try {
  for (const mutation of chosen) {
    const started = performance.now()
    const problem = await tryMutation(copy, mutation)
    const seconds = Math.round((performance.now() - started) / 1_000)
    if (problem === undefined) {
      passed++
      console.log(`caught in ${seconds} s: ${mutation.name}, by ${mutation.caughtBy.join(' ')}`)
    } else if (problem.startsWith('skipped: ')) console.log(`${problem}: ${mutation.name}`)
    else {
      failed++
      console.log(`NOT CAUGHT: ${mutation.name}, by ${mutation.caughtBy.join(' ')}: ${problem}`)
    }
  }
} finally {
  await rm(copy, { recursive: true, force: true })
}
console.log(`Tests  ${passed} passed, ${failed} failed (mutations caught)`)
process.exitCode = failed === 0 ? 0 : 1
