import { randomOf } from '../../e2e/load.ts'
import type { Campaign, Outcome } from '../campaign.ts'
import { checkEverything } from './check-everything.ts'
import { type Asked, checkAfterFault } from './checks.ts'
import { DeltaRs } from './delta-rs.ts'
import { clockEnv, leap, whyNoClock } from './kinds/clock.ts'
import { clients, Load } from './load.ts'
import { Place, type PlaceKind, whyNot } from './place.ts'
import { faultsOf, runs } from './plan-of-run.ts'
import { Reader } from './reader.ts'
import { Subject } from './subject.ts'

const skipped: Record<string, string> = {}
let deltaRs: DeltaRs | undefined
const volumes: PlaceKind[] = []
const signals = ['SIGTERM', 'SIGINT'] as const

/** Seldom after a fault: to ask costs as much as most faults. */
const asked: readonly Asked[] = [
  ...Array<Asked>(15).fill('nothing'),
  ...Array<Asked>(4).fill('verify'),
  'batch',
]

/**
 * The real platform as a process of its own, under clients, hurt in every way a machine can hurt it; one data folder
 * goes through all the faults of a run.
 */
export const processes: Campaign = {
  name: 'processes',
  runs,
  budgetSeconds: 780,
  async open() {
    for (const signal of signals) process.once(signal, Place.removeAll)
    for (const kind of ['disk', 'memory'] as const) {
      const why = await whyNot(kind)
      if (why === undefined) volumes.push(kind)
      else skipped[kind === 'disk' ? 'volume turned read-only under load' : 'full disk'] = why
    }
    if (whyNoClock !== undefined) skipped['clock set forward or back'] = whyNoClock
    deltaRs = await DeltaRs.open().catch((error: Error) => {
      skipped['tables read by delta-rs'] = `it cannot be installed: ${error.message.split('\n')[0]}`
      return undefined
    })
  },
  async close() {
    for (const signal of signals) process.off(signal, Place.removeAll)
    await deltaRs?.close()
  },
  run,
}

async function run(seed: number): Promise<Outcome> {
  const random = randomOf(seed)
  const place = await Place.open(volumes[seed % Math.max(1, volumes.length)] ?? 'folder')
  const plan = faultsOf(seed, random, place.kind)
  // A clock that can be set makes every look at it slower.
  const env = plan.includes(leap) ? clockEnv(place.beside) : {}
  const subject = new Subject(place, new Load(randomOf(seed + 1)), env)
  const reader = new Reader(subject)
  const faults: Record<string, number> = {}
  try {
    await subject.start()
    await subject.makeOtherStream()
    subject.load.start(clients)
    reader.start()
    for (const fault of plan) {
      const kinds = await fault(subject, random)
      for (const kind of kinds) faults[kind] = (faults[kind] ?? 0) + 1
      await checkAfterFault(subject, asked[random(asked.length)]!).catch((error: unknown) => {
        if (error instanceof Error) error.message = `after ${kinds.join(' and ')}: ${error.message}`
        throw error
      })
    }
    await reader.stop()
    const records = await checkEverything(subject, deltaRs)
    return { faults, skipped, records, figures: subject.figures }
  } finally {
    await reader.stop()
    await subject.load.stop().catch(() => undefined)
    if (subject.isRunning) await subject.kill()
    await place.close()
  }
}
