/**
 * A closed data folder, one fault of the disk in one of its files (a bit, some bytes, a sector of zeros, an end that is
 * missing, or everything), and then all the work and every answer: the damage is found and named, or it does no harm.
 * Never a wrong answer, never the end of the process, never an endless wait.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broken, type Campaign, type Outcome } from '../campaign.ts'
import { type Damage, damageFile, filesOf, type Random } from './damage.ts'
import type { Verdict } from './judge.ts'
import { makeSample } from './sample.ts'

const verdictMs = 60_000
/** Where it is there, nothing waits for a disk: no run asks what a flush is worth. */
const memory = '/dev/shm'

let folder = ''
let files: Map<string, string[]> = new Map()
let answers = ''
let judge: ChildProcess | undefined

const sample = (): string => join(folder, 'sample')
const copy = (): string => join(folder, 'copy')

async function open(): Promise<void> {
  folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'pinflow-flips-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  await makeSample(sample())
  files = filesOf(sample())
  for (const [kind, paths] of files) if (paths.length === 0) throw new Error(`the sample has no ${kind}`)
  const unhurt = await judgeCopy(() => undefined)
  if (unhurt.kind !== 'answered') throw new Error(`without damage: ${unhurt.message}`)
  answers = unhurt.answers
}

async function close(): Promise<void> {
  if (judge && judge.exitCode === null && judge.signalCode === null) {
    const ended = once(judge, 'exit')
    judge.kill()
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}

async function run(seed: number): Promise<Outcome> {
  let damage: Damage | undefined
  const begun = performance.now()
  const verdict = await judgeCopy(() => {
    damage = damageFile(copy(), files, randomOf(seed))
  }).catch((error: unknown) => {
    throw new Broken(`${JSON.stringify(damage)}: ${String(error)}`)
  })
  if (!damage) throw new Error('nothing was damaged')
  const { kind, form } = damage
  if (verdict.kind === 'unnamed') throw new Broken(`${JSON.stringify(damage)}: ${verdict.message}`)
  if (verdict.kind === 'answered' && verdict.answers !== answers)
    throw new Broken(`${JSON.stringify(damage)}: ${difference(answers, verdict.answers)}`)
  const outcome = verdict.kind === 'found' ? 'found' : 'harmless'
  return {
    faults: { [`${kind}, ${outcome}`]: 1, [formNames[form]]: 1 },
    records: recordsIn(answers),
    figures: { 'ms for a folder': [performance.now() - begun] },
  }
}

const formNames = {
  bit: 'a bit',
  digit: 'a digit',
  bytes: 'some bytes',
  sector: 'a sector of zeros',
  end: 'the end missing',
}

/** @throws when the process ended, or did not answer */
async function judgeCopy(hurt: () => void): Promise<Verdict> {
  rmSync(copy(), { recursive: true, force: true })
  cpSync(sample(), copy(), { recursive: true, preserveTimestamps: true })
  hurt()
  const child = runningJudge()
  const over = new AbortController()
  const { signal } = over
  try {
    child.send(copy())
    const answered = once(child, 'message', { signal }) as Promise<[Verdict]>
    const ended = once(child, 'exit', { signal }).then(([code, by]): never => {
      throw new Error(`the process ended with ${by ?? code}`)
    })
    const late = once(AbortSignal.any([signal, AbortSignal.timeout(verdictMs)]), 'abort').then((): never => {
      throw new Error(`no answer after ${verdictMs} ms`)
    })
    const [verdict] = await Promise.race([answered, ended, late])
    return verdict
  } catch (error) {
    child.kill('SIGKILL')
    judge = undefined
    throw error
  } finally {
    over.abort()
  }
}

function runningJudge(): ChildProcess {
  if (judge === undefined || judge.exitCode !== null || judge.signalCode !== null)
    judge = fork(join(import.meta.dirname, 'judge.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  return judge
}

/** The first line that differs. */
function difference(expected: string, found: string): string {
  const lines = found.split('\n')
  const at = expected.split('\n').findIndex((line, index) => line !== lines[index])
  return `wrong answer ${lines[at]?.slice(0, 2_000)}\ninstead of ${expected.split('\n')[at]?.slice(0, 2_000)}`
}

function recordsIn(text: string): number {
  return [...text.matchAll(/"records":(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
}

function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const bitFlips: Campaign = { name: 'bit-flips', runs: 1_000, budgetSeconds: 600, open, close, run }
