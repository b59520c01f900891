import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../../../src/engine/index.ts'
import { type Sample, sampleOf, thing, topics } from '../../model/things.ts'
import { Broken } from '../campaign.ts'
import { Chance } from './chance.ts'
import { checkFinished, watch } from './checks.ts'
import { type Explorable, writes } from './explore.ts'
import { decideTimeAndNames } from './one-world.ts'
import { type Life, type Pending, Scheduler } from './scheduler.ts'
import type { Settings } from './settings.ts'
import { ScheduledStore, SharedStore } from './shared-store.ts'
import { SimulatedLog } from './simulated-log.ts'
import { SimulatedWorker } from './worker.ts'

/** What one worker does while the other does its part. */
export type Part = (worker: SimulatedWorker) => Promise<void>

export interface Meeting {
  name: string
  /** Records of one append each, by topic partition. */
  records: readonly (readonly Sample[])[]
  /** What one worker does before the others come. */
  before?: Part
  parts: readonly [Part, Part]
  /** Workers open the epoch log within the enumeration. */
  opens?: boolean
  cleans?: boolean
  flushSize?: number
  takeMax?: number
  dataset?: Settings['dataset']
}

/**
 * The second worker dies at its n-th writing, which takes effect or not, and starts anew. To die while reading is to die
 * before the next writing.
 */
export interface Crash {
  writing: number
  effect: boolean
}

const nowMs = Date.UTC(2024, 0, 1)

/** Two workers over one store, each with its part, for `explore`. */
export class MeetingWorld implements Explorable {
  readonly #meeting: Meeting
  readonly #crash: Crash | undefined
  readonly #folder: string
  readonly #engine: Engine
  readonly #scheduler = new Scheduler()
  readonly #store: SharedStore
  readonly #workers: SimulatedWorker[] = []
  readonly #lives: Life[] = []
  readonly #samples = new Map<string, Sample[]>()
  readonly #undo: () => void
  #log!: SimulatedLog
  #failure: unknown
  /** Writings of the second worker so far. */
  #written = 0
  crashed = false

  private constructor(meeting: Meeting, folder: string, engine: Engine, crash: Crash | undefined) {
    this.#meeting = meeting
    this.#folder = folder
    this.#engine = engine
    this.#crash = crash
    this.#store = new SharedStore(join(folder, 'store'), () => nowMs)
    this.#undo = decideTimeAndNames(() => nowMs, new Chance(1))
  }

  static async open(meeting: Meeting, folder: string, engine: Engine, crash?: Crash): Promise<MeetingWorld> {
    const world = new MeetingWorld(meeting, folder, engine, crash)
    await world.#begin()
    return world
  }

  get pending(): readonly Pending[] {
    return this.#scheduler.pending
  }

  /** The second worker dies at it, and who starts in its place reads everything. */
  looks(pending: Pending): boolean {
    return this.#counts(pending) && this.#written + 1 === this.#crash?.writing
  }

  async release(pending: Pending): Promise<void> {
    if (this.looks(pending)) await this.#die(pending)
    else {
      if (this.#counts(pending)) this.#written++
      await this.#scheduler.release(pending, 'done')
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Whatever was left undone is done by a third worker, and everything came through. */
  async finish(): Promise<void> {
    const { dataset = thing, cleans } = this.#meeting
    watch(this.#store)
    await this.#alone('last', settle)
    const engine = cleans ? this.#engine : undefined
    await checkFinished({
      store: this.#store,
      log: this.#log,
      dataset,
      samples: this.#samples,
      engine,
      verifies: false,
    })
  }

  async close(): Promise<void> {
    for (const life of this.#lives) await this.#scheduler.kill(life)
    for (const worker of this.#workers) await worker.close(false)
    this.#undo()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #begin(): Promise<void> {
    const { records, before, parts, cleans } = this.#meeting
    this.#log = await SimulatedLog.open(this.#scheduler, () => nowMs, 1, undefined)
    watch(this.#store)
    for (const [at, samples] of records.entries()) await this.#append(topics[at % 2]!, samples)
    for (const name of cleans ? ['first', 'a', 'b', 'b-again', 'last'] : [])
      await mkdir(join(this.#folder, name), { recursive: true })
    if (before) await this.#alone('first', before)
    for (const [at, part] of parts.entries()) await this.#start(at === 0 ? 'a' : 'b', part)
    if (this.#failure !== undefined) throw this.#failure
  }

  async #append(topic: string, samples: readonly Sample[]): Promise<void> {
    const sender: Life = { worker: 'sender', dead: false }
    const values = samples.map(({ value }) => value)
    this.#samples.set(`${topic}/0`, [...(this.#samples.get(`${topic}/0`) ?? []), ...samples])
    await this.#scheduler.start(sender, 'send', () => this.#log.send(sender, topic, 0, values), this.#onEnd)
    await this.#drain()
  }

  readonly #onEnd = (error?: unknown): void => {
    if (error !== undefined) this.#failure ??= error
  }

  /** One worker, with nobody beside it. */
  async #alone(name: string, part: Part): Promise<void> {
    await this.#start(name, part)
    await this.#drain()
  }

  async #drain(): Promise<void> {
    for (let left = 10_000; this.pending.length > 0; left--) {
      if (left === 0) throw new Broken('a worker on its own goes on for ever')
      await this.#scheduler.release(this.pending[0]!, 'done')
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  async #start(name: string, part: Part): Promise<void> {
    const life: Life = { worker: name, dead: false }
    const store = new ScheduledStore(this.#store, this.#scheduler, life)
    const folder = join(this.#folder, name)
    const parts = {
      life,
      settings: settingsOf(this.#meeting),
      log: this.#log,
      store,
      engine: this.#engine,
      folder,
    }
    let worker: SimulatedWorker | undefined
    const open = async (): Promise<void> => {
      worker = await SimulatedWorker.open({ ...parts, clock: () => nowMs })
      this.#workers.push(worker)
    }
    const act = async (): Promise<void> => {
      if (!worker) await open()
      await part(worker!)
    }
    if (name === 'a' || name === 'b') this.#lives.push(life)
    if (!this.#meeting.opens) {
      await this.#scheduler.start(life, 'open', open, this.#onEnd)
      for (let waiting = this.#of(life); waiting; waiting = this.#of(life))
        await this.#scheduler.release(waiting, 'done')
    }
    await this.#scheduler.start(life, 'part', act, (error) => {
      if (!life.dead) this.#onEnd(error)
    })
  }

  #of(life: Life): Pending | undefined {
    return this.pending.find(({ task }) => task.life === life)
  }

  #counts(pending: Pending): boolean {
    return pending.task.life === this.#lives[1] && !this.crashed && writes(pending)
  }

  async #die(pending: Pending): Promise<void> {
    this.crashed = true
    if (this.#crash?.effect) pending.act()
    const [life] = this.#lives.slice(1)
    await this.#scheduler.kill(life!)
    await this.#start('b-again', this.#meeting.parts[1])
  }
}

function settingsOf(meeting: Meeting): Settings {
  const { cleans = false, flushSize = 10, takeMax = 1_000, dataset = thing } = meeting
  const limit = { ageMs: 0, bytesMax: 1_000_000 }
  return {
    cleans,
    verifies: false,
    embedded: false,
    workers: [],
    partitions: 1,
    dataset,
    take: { ...limit, recordsMax: takeMax },
    land: { ...limit, flushSize },
    groups: { recordsMax: 1_000, bytesMax: 1_000_000 },
    decisions: 0,
    rates: { failure: 0, crash: 0, jump: 0, sleep: 0, rebuild: 0, optimize: 0, sticky: 0 },
    sent: [],
  }
}

/** Do all there is to do. */
async function settle(worker: SimulatedWorker): Promise<void> {
  const { chores } = worker
  for (const name of ['sequence', 'land', 'stream', 'batch']) {
    const step = chores[name]
    for (let left = 100; step && (await step()); left--)
      if (left === 0) throw new Broken(`${name} of a worker on its own goes on for ever`)
  }
}

export const good = (id: number, n = 0): Sample => sampleOf({ id, n, t: 'a', form: 'plain' })
export const bad = (id: number): Sample => sampleOf({ id, n: 0, t: 'a', form: 'negative' })
