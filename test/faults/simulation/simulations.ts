/**
 * Campaign `simulation`: log, epoch log, sink, cleaners and tables in one process, with a store, a clock and names that
 * a seed decides. Eight seeds of ten go as far as the lake, two as far as the tables.
 */

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine } from '../../../src/engine/index.ts'
import { Broken, type Campaign, type Outcome } from '../campaign.ts'
import { Chance } from './chance.ts'
import { decideTimeAndNames } from './one-world.ts'
import { RememberingEngine } from './remembering-engine.ts'
import { settingsOf } from './settings.ts'
import { Simulation } from './simulation.ts'

/** One seed in so many runs twice, and must do the same. */
const twiceEvery = 50
const startMs = Date.UTC(2024, 0, 1)

let folder: string
let engine: Engine
let remembering: RememberingEngine

interface Run {
  digest: string
  records: number
  cleans: boolean
  embedded: boolean
  verifies: boolean
  faults: Record<string, number>
  decisions: number
}

async function simulate(seed: number): Promise<Run> {
  const chance = new Chance(seed)
  const settings = settingsOf(seed, chance)
  const time = { nowMs: startMs }
  const { cleans, embedded, verifies } = settings
  const undo = decideTimeAndNames(() => time.nowMs, new Chance(seed + 0.5))
  const parts = {
    settings,
    chance,
    time,
    folder: join(folder, 'run'),
    engine: cleans ? remembering.asEngine : undefined,
  }
  const simulation = new Simulation(parts)
  const { trace, faults } = simulation
  try {
    const records = await simulation.run()
    return { digest: trace.digest(), records, cleans, embedded, verifies, faults, decisions: trace.steps }
  } catch (error) {
    if (error instanceof Error) error.message += `\nthe last decisions:\n  ${trace.tail()}`
    throw error
  } finally {
    undo()
  }
}

async function run(seed: number): Promise<Outcome> {
  const started = performance.now()
  const { digest, records, cleans, embedded, verifies, faults, decisions } = await simulate(seed)
  const ms = performance.now() - started
  const kind = cleans ? 'seeds as far as the tables' : 'seeds as far as the lake'
  const twice = seed % twiceEvery === 0 || seed % twiceEvery === 5
  if (twice) {
    const again = await simulate(seed)
    if (again.digest !== digest) throw new Broken('the same seed did something else the second time')
  }
  return {
    faults: {
      [kind]: 1,
      ...(verifies && { 'seeds whose tables verify recounted': 1 }),
      ...(embedded && { 'seeds over the log on disk': 1 }),
      ...(twice && { 'seeds that ran twice, bit for bit': 1 }),
      decisions,
      ...faults,
    },
    records,
    figures: { [`ms, ${kind}`]: [ms] },
  }
}

export const simulations: Campaign = {
  name: 'simulation',
  runs: 5_000,
  budgetSeconds: 600,
  async open() {
    const memory = '/dev/shm'
    folder = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), 'pinflow-simulation-'))
    engine = await Engine.open({ memoryBytes: 2 ** 29, threads: 1, temporaryFolder: folder })
    remembering = new RememberingEngine(engine, folder)
  },
  run,
  async close() {
    engine.close()
    await rm(folder, { recursive: true, force: true })
  },
}
