import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load, randomOf } from '../../e2e/load.ts'
import { Broken, type Campaign, type Outcome } from '../campaign.ts'
import { Ledger } from './ledger.ts'
import { isPrompt, readyMsMax } from './prompt.ts'
import { launchOn, Running } from './running.ts'
import { Volume, whyNoVolume } from './volume.ts'

const cutsPerRun = 10
/** Starts without a cut that are measured where one after a cut took long. */
const startsBeside = 3
const kinds = [
  'under load',
  'under load',
  'while it starts',
  'while it starts',
  'during a batch run',
  'during a rebuild',
  'right after an answer',
  'right after an answer',
] as const
type Kind = (typeof kinds)[number]

/** Nothing is written earlier than it has to be; file systems may be mounted so. */
const strict = 'noatime,commit=300,noauto_da_alloc'

/** One volume, its platform, and what that has promised; several lives long. */
class Lives {
  readonly #random: (limit: number) => number
  readonly volume: Volume
  readonly #load: Load
  readonly ledger = new Ledger()
  readonly readyMs: number[] = []
  /** Starts that no cut came before. */
  readonly readyWithoutCutMs: number[] = []
  readonly cuts: Record<string, number> = {}
  #child: ChildProcess | undefined

  private constructor(random: (limit: number) => number, volume: Volume, load: Load) {
    this.#random = random
    this.volume = volume
    this.#load = load
  }

  static async open(seed: number): Promise<Lives> {
    const random = randomOf(seed)
    const load = await Load.open(randomOf(seed + 1))
    const volume = await Volume.open(random(2) === 0 ? strict : `${strict},data=writeback`)
    return new Lives(random, volume, load)
  }

  async close(): Promise<void> {
    await this.#kill()
    await this.#load.stop().catch(() => undefined)
    await this.volume.close()
  }

  closeNow(): void {
    this.#child?.kill('SIGKILL')
    this.volume.closeNow()
  }

  /** Live up to a cut, and give the power back. */
  async live(number: number): Promise<void> {
    const kind = kinds[this.#random(kinds.length)]!
    if (kind === 'while it starts' && number > 0) await this.#cutWhileStarting()
    else await this.#cutWhileRunning(kind)
    this.cuts[kind] = 1 + (this.cuts[kind] ?? 0)
    await this.volume.remount()
  }

  /** Start, see that every promise was kept, and that all ends well. */
  async finish(): Promise<void> {
    const running = await this.#start()
    await this.#load.drain(running.server.gatewayUrl)
    this.ledger.noteAcknowledged(this.#load.acknowledged)
    await this.ledger.checkAll(running)
  }

  /** Start, and see that every promise was kept. */
  async #start(): Promise<Running> {
    let running = await this.#startOnce()
    const { readyMs } = running
    this.readyMs.push(readyMs)
    if (this.readyWithoutCutMs.length === 0) this.readyWithoutCutMs.push(readyMs)
    for (let left = startsBeside; left > 0 && !isPrompt(readyMs, this.readyWithoutCutMs); left--) {
      const code = await running.server.stop()
      if (code !== 0) throw new Broken(`it ended with ${code}: ${running.server.stderr()}`)
      running = await this.#startOnce()
      this.readyWithoutCutMs.push(running.readyMs)
    }
    if (!isPrompt(readyMs, this.readyWithoutCutMs))
      throw new Broken(
        `it was ready ${Math.round(readyMs)} ms after a cut, and without one after ${this.readyWithoutCutMs.map(Math.round).join(', ')} ms`,
      )
    await this.ledger.check(running)
    return running
  }

  async #startOnce(): Promise<Running> {
    const running = await Running.start(this.volume)
    this.#child = running.server.child
    return running
  }

  async #cutWhileStarting(): Promise<void> {
    this.#child = launchOn(this.volume)
    // The first half is the loading of its modules.
    const readyMs = this.readyMs.at(-1) ?? 1_000
    await sleep(readyMs / 2 + this.#random(Math.ceil(readyMs / 2)))
    await this.#cut()
  }

  async #cutWhileRunning(kind: Kind): Promise<void> {
    const running = await this.#start()
    this.#load.start(running.server.gatewayUrl, 4)
    await sleep(this.#random(500))
    const quiet = kind === 'right after an answer' || (kind !== 'under load' && this.#random(2) === 0)
    if (quiet) await this.#load.stop()
    if (kind === 'right after an answer') await this.#answered(running)
    else if (kind !== 'under load') {
      const dataset = ['pin', 'geo', 'user'][this.#random(3)]!
      const asked =
        kind === 'during a rebuild' ? running.ask('rebuild', { dataset }) : running.ask('runBatch', {})
      // It does not live to answer, or the power fails before.
      asked.catch(() => undefined)
      await sleep(this.#random(500))
    }
    await this.#cut()
    await this.#load.stop()
    this.ledger.noteAcknowledged(this.#load.acknowledged)
  }

  /** Do something that is done when it is answered, while nothing else is flushed. */
  async #answered(running: Running): Promise<void> {
    await sleep(300)
    const what = (this.#random(3) + (this.cuts['right after an answer'] ?? 0)) % 3
    if (what === 0) {
      const name = `made-${this.#random(1_000_000)}`
      await running.createStream(name)
      this.ledger.noteStream(name)
    } else if (what === 1) {
      const tables = await running.ask('rebuild', { dataset: 'geo' })
      this.ledger.noteVersion('batch.geo', tables['batch.geo']!.version)
      // The stream has gone on since: its newest version can be seen before it is flushed.
      this.ledger.noteVersion('stream.geo', tables['stream.geo']!.version - 1)
    } else {
      const table = ['stream.pin', 'stream.user'][this.#random(2)]!
      const done = await running.ask('optimize', { table })
      if ('version' in done) this.ledger.noteVersion(table, done.version)
    }
  }

  async #cut(): Promise<void> {
    await this.volume.cut()
    await this.#kill()
  }

  async #kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  }
}

let current: Lives | undefined
const endNow = (signal: NodeJS.Signals) => {
  current?.closeNow()
  process.exit(signal === 'SIGINT' ? 130 : 143)
}

/** Log, lake and tables on one volume whose power is cut, in every phase of a life, ten times a run. */
export const powerCuts: Campaign = {
  name: 'power-cuts',
  runs: 10,
  budgetSeconds: 600,
  unavailable: whyNoVolume,
  async open() {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, endNow)
  },
  async close() {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, endNow)
  },
  async run(seed): Promise<Outcome> {
    const lives = await Lives.open(seed)
    current = lives
    try {
      for (let cut = 0; cut < cutsPerRun; cut++) await lives.live(cut)
      await lives.finish()
      const { readyMs, cuts, ledger } = lives
      const afterCuts = readyMs.slice(1)
      const prompt = afterCuts.filter((ms) => ms <= readyMsMax).length
      const figures = {
        'ms until ready, after a cut': afterCuts,
        'ms until ready, without one': lives.readyWithoutCutMs,
        '% of starts ready within 2 s, after a cut': [(100 * prompt) / Math.max(1, afterCuts.length)],
      }
      return { faults: cuts, records: ledger.records, figures }
    } finally {
      current = undefined
      await lives.close()
    }
  },
}
