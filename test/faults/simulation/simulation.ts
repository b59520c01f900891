import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CleaningPath, cleaningPaths } from '../../../src/clean/index.ts'
import { messageOf, PipelineError } from '../../../src/core/index.ts'
import type { Engine } from '../../../src/engine/index.ts'
import type { Sample } from '../../model/things.ts'
import { Broken } from '../campaign.ts'
import type { Chance } from './chance.ts'
import { checkFinished, watch } from './checks.ts'
import { type Fate, type Life, type Pending, Scheduler } from './scheduler.ts'
import type { Settings } from './settings.ts'
import { ScheduledStore, SharedStore } from './shared-store.ts'
import { SimulatedLog } from './simulated-log.ts'
import { Trace } from './trace.ts'
import { SimulatedWorker } from './worker.ts'

/** A worker over all its lives. */
interface Seat {
  name: string
  life: Life
  worker: SimulatedWorker | undefined
  /** What its clock is ahead of the others', in milliseconds. */
  skewMs: number
  /** Decisions for which it stands still. */
  asleep: number
  /** Chores that found nothing to do, and nothing has happened since. */
  idle: Set<string>
}

export interface SimulationParts {
  settings: Settings
  chance: Chance
  /** Milliseconds since 1970. */
  time: { nowMs: number }
  /** Empty; may be removed afterwards. */
  folder: string
  engine: Engine | undefined
}

/** Decisions within which everything must have come through once there are no faults. */
const healingMax = 10_000
const hourMs = 3_700_000
/** Clocks that go back further than this, after they went forward, are beyond what is promised. */
const backMaxMs = 1_800_000

/** One run: a log, a store and a few workers, one thing at a time, as chance has it. */
export class Simulation {
  readonly trace = new Trace()
  readonly faults: Record<string, number> = {}
  readonly #settings: Settings
  readonly #chance: Chance
  readonly #time: { nowMs: number }
  readonly #folder: string
  readonly #engine: Engine | undefined
  readonly #scheduler = new Scheduler()
  readonly #store: SharedStore
  readonly #samples = new Map<string, Sample[]>()
  readonly #seats: Seat[]
  readonly #sender: Life = { worker: 'sender', dead: false }
  #log!: SimulatedLog
  #unsent: Settings['sent']
  #failure: unknown
  #last = ''
  #backMs = 0
  #healing = false
  /** Nothing has happened since the clock went on because nobody had anything to do. */
  #isLater = false

  constructor({ settings, chance, time, folder, engine }: SimulationParts) {
    this.#settings = settings
    this.#chance = chance
    this.#time = time
    this.#folder = folder
    this.#engine = engine
    this.#unsent = [...settings.sent]
    this.#store = new SharedStore(join(folder, 'store'), () => time.nowMs)
    watch(this.#store)
    this.#seats = settings.workers.map((name) => ({
      name,
      life: { worker: name, dead: true },
      worker: undefined,
      skewMs: chance.below(60_000) - 30_000,
      asleep: 0,
      idle: new Set(),
    }))
  }

  /** @returns how many records came through @throws Broken */
  async run(): Promise<number> {
    const { embedded, partitions, cleans } = this.#settings
    for (const name of cleans ? this.#settings.workers : [])
      await mkdir(join(this.#folder, name), { recursive: true })
    const clock = () => this.#time.nowMs
    this.#log = await SimulatedLog.open(
      this.#scheduler,
      clock,
      partitions,
      embedded ? this.#folder : undefined,
    )
    try {
      for (let left = this.#settings.decisions; left > 0; left--) await this.#decide()
      await this.#heal()
      return await checkFinished({
        store: this.#store,
        log: this.#log,
        dataset: this.#settings.dataset,
        samples: this.#samples,
        engine: this.#engine,
        verifies: this.#settings.verifies,
      })
    } finally {
      await this.#close()
    }
  }

  async #close(): Promise<void> {
    for (const { life, worker } of this.#seats) {
      await this.#scheduler.kill(life)
      await worker?.close(false)
    }
    await this.#scheduler.kill(this.#sender)
    await this.#log.log.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** One thing happens, with faults. */
  async #decide(): Promise<void> {
    const { rates } = this.#settings
    const chance = this.#chance
    for (const seat of this.#seats) if (seat.asleep > 0) seat.asleep--
    if (chance.is(rates.crash)) await this.#crash(chance.pick(this.#seats))
    if (chance.is(rates.jump)) this.#jump()
    if (chance.is(rates.sleep)) this.#sleep(chance.pick(this.#seats))
    if (chance.is(0.1)) this.#time.nowMs += chance.below(1_000)
    await this.#happenLate(0.05)
    await this.#act()
  }

  /** Without faults: wake everybody, and go on until nobody finds anything to do. */
  async #heal(): Promise<void> {
    this.#healing = true
    for (const seat of this.#seats) seat.asleep = 0
    for (let left = healingMax; left > 0; left--) {
      await this.#happenLate(0.2)
      if (await this.#act()) continue
      if (this.#scheduler.late.length > 0) await this.#happenLate(1)
      // Nobody has anything to do now; once more when all that waits is old enough.
      else if (this.#isLater) return
      else this.#later()
    }
    throw this.#broken(`after ${healingMax} decisions without a fault not everything had come through`)
  }

  #later(): void {
    this.#wakeAll()
    this.#time.nowMs += 10_000
    this.#isLater = true
  }

  /** Let an operation through, or begin something. @returns false when there is nothing */
  async #act(): Promise<boolean> {
    const seats = this.#seats.filter(({ asleep }) => asleep === 0)
    const waiting = this.#scheduler.pending.filter(
      ({ task }) => task.life === this.#sender || seats.some(({ life }) => life === task.life),
    )
    const sticking = this.#chance.is(this.#settings.rates.sticky)
    const mine = sticking ? waiting.filter(({ task }) => task.life.worker === this.#last) : []
    const choice = mine.length > 0 ? mine : waiting
    if (choice.length > 0 && (mine.length > 0 || this.#chance.is(0.7))) {
      await this.#release(this.#chance.pick(choice))
    } else {
      const begins = this.#begins(seats)
      if (begins.length > 0) await this.#chance.pick(begins)()
      else if (choice.length > 0) await this.#release(this.#chance.pick(choice))
      else return false
    }
    if (this.#failure !== undefined) throw this.#failure
    return true
  }

  async #release(pending: Pending): Promise<void> {
    const fate = this.#fateOf(pending)
    if (fate !== 'done') this.#count(`${pending.kind} ${fate}`)
    const told = await this.#scheduler.release(pending, fate)
    this.trace.add(`${pending.id} ${pending.kind} ${pending.key} ${fate}`, told)
    this.#last = pending.task.life.worker
    const changes = pending.kind !== 'get' && pending.kind !== 'list' && told !== false
    if (changes) this.#wakeAll()
  }

  /** Something has happened that may give anybody something to do. */
  #wakeAll(): void {
    this.#isLater = false
    for (const { idle } of this.#seats) idle.clear()
  }

  #fateOf({ kind, task }: Pending): Fate {
    // Of several at once only the last fails: the others would go on beside what comes of the failure.
    if (this.#healing || task.waiting.size > 1 || !this.#chance.is(this.#settings.rates.failure))
      return 'done'
    if (kind === 'get' || kind === 'list' || kind === 'sync') return 'refused'
    if (kind === 'append')
      return this.#settings.embedded ? 'refused' : this.#chance.pick(['refused', 'unheard'])
    return this.#chance.pick(['refused', 'unheard', 'late'])
  }

  async #happenLate(probability: number): Promise<void> {
    const { late } = this.#scheduler
    if (late.length === 0 || !this.#chance.is(probability)) return
    const { id, kind, key } = this.#scheduler.releaseLate(this.#chance.below(late.length))
    this.trace.add(`late: ${id} ${kind} ${key}`)
    this.#wakeAll()
  }

  /** What could be begun. */
  #begins(seats: readonly Seat[]): (() => Promise<void>)[] {
    const begins: (() => Promise<void>)[] = []
    if (this.#unsent.length > 0 && !this.#scheduler.isBusy(this.#sender, 'send'))
      begins.push(() => this.#send())
    for (const seat of seats) {
      const { worker } = seat
      if (!worker) {
        if (!this.#scheduler.isBusy(seat.life, 'open')) begins.push(() => this.#open(seat))
        continue
      }
      for (const [name, step] of Object.entries(worker.chores)) {
        if (!seat.idle.has(name) && !this.#scheduler.isBusy(seat.life, name))
          begins.push(() => this.#chore(seat, worker, name, step))
      }
    }
    return begins
  }

  async #chore(
    seat: Seat,
    worker: SimulatedWorker,
    name: string,
    step: () => Promise<boolean>,
  ): Promise<void> {
    const { rates, cleans } = this.#settings
    const action = async (): Promise<void> => {
      if (await step()) this.#wakeAll()
      else if (this.#healing) seat.idle.add(name)
    }
    const other = cleans && !this.#healing ? this.#otherWork(worker, name, rates) : undefined
    this.trace.add(`${seat.name} begins ${other?.what ?? name}`)
    await this.#begin(seat.life, name, other?.action ?? action)
  }

  /** Work that takes the place of cleaning now and then. */
  #otherWork(worker: SimulatedWorker, name: string, rates: Settings['rates']) {
    const path = cleaningPaths.find((path) => path === name)
    if (!path) return undefined
    if (this.#chance.is(rates.rebuild)) return this.#counted(`rebuild ${path}`, () => worker.rebuild(path))
    if (!this.#chance.is(rates.optimize)) return undefined
    const kind = this.#chance.pick(['data', 'quarantine'] as const)
    return this.#counted(`optimize ${path}`, () => worker.optimize(path as CleaningPath, kind))
  }

  #counted(what: string, action: () => Promise<void>) {
    this.#count(what.split(' ')[0]!)
    return { what, action }
  }

  async #begin(life: Life, name: string, action: () => Promise<void>): Promise<void> {
    const mayFail = !this.#healing
    await this.#scheduler.start(life, name, action, (error) => {
      if (error === undefined || life.dead) return
      this.trace.add(`${life.worker} ${name} failed`, error)
      const passes = error instanceof PipelineError && error.retriable && mayFail
      if (!passes)
        this.#failure ??= error instanceof Broken ? error : this.#broken(`${life.worker} ${name}`, error)
    })
  }

  async #open(seat: Seat): Promise<void> {
    const life: Life = { worker: seat.name, dead: false }
    seat.life = life
    seat.idle.clear()
    const store = new ScheduledStore(this.#store, this.#scheduler, life)
    const clock = () => this.#time.nowMs + seat.skewMs
    const folder = join(this.#folder, seat.name)
    const parts = {
      life,
      settings: this.#settings,
      log: this.#log,
      store,
      engine: this.#engine,
      folder,
      clock,
    }
    this.trace.add(`${seat.name} starts`)
    await this.#begin(life, 'open', async () => {
      seat.worker = await SimulatedWorker.open(parts)
    })
  }

  async #send(): Promise<void> {
    const [next] = this.#unsent.splice(0, 1)
    const { topic, partition, samples } = next!
    const values = samples.map(({ value }) => value)
    this.trace.add(`sends ${samples.length} to ${topic}/${partition}`)
    await this.#begin(this.#sender, 'send', async () => {
      const key = `${topic}/${partition}`
      const before = this.#log.values.get(key)?.length ?? 0
      try {
        await this.#log.send(this.#sender, topic, partition, values)
      } finally {
        if ((this.#log.values.get(key)?.length ?? 0) > before)
          this.#samples.set(key, [...(this.#samples.get(key) ?? []), ...samples])
      }
    })
  }

  /** All its memory is gone. What it had under way may have happened, may not, or will yet. */
  async #crash(seat: Seat): Promise<void> {
    if (seat.life.dead) return
    this.#count('crash')
    for (const pending of this.#scheduler.pending) {
      if (pending.task.life !== seat.life || pending.kind === 'get' || pending.kind === 'list') continue
      const fate = this.#chance.pick(['refused', 'unheard', 'late'] as const)
      this.trace.add(`${seat.name} dies in ${pending.id} ${pending.kind} ${pending.key}: ${fate}`)
      if (fate === 'unheard') pending.act()
      if (fate === 'late') this.#scheduler.late.push(pending)
    }
    const { worker } = seat
    seat.worker = undefined
    seat.asleep = 0
    await this.#scheduler.kill(seat.life)
    await worker?.close(this.#chance.is(0.3))
    this.trace.add(`${seat.name} crashes`)
    this.#wakeAll()
  }

  #jump(): void {
    const chance = this.#chance
    if (chance.is(0.5)) this.#time.nowMs += chance.pick([60_000, hourMs])
    else if (this.#backMs < backMaxMs) {
      const backMs = chance.pick([1_000, 60_000, 600_000])
      this.#backMs += backMs
      this.#time.nowMs -= backMs
    }
    this.#count('clock jump')
    this.trace.add('clock', this.#time.nowMs)
  }

  /** Stand still, perhaps in the middle of an operation; it may be so long that takes are deleted meanwhile. */
  #sleep(seat: Seat): void {
    seat.asleep = 10 + this.#chance.below(60)
    const long = this.#chance.is(0.5)
    if (long) this.#time.nowMs += hourMs
    this.#count(long ? 'sleep of an hour' : 'sleep')
    this.trace.add(`${seat.name} sleeps`, seat.asleep)
  }

  #count(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
  }

  #broken(what: string, error?: unknown): Broken {
    const cause = error === undefined ? '' : `: ${error instanceof Error ? error.stack : messageOf(error)}`
    return new Broken(`${what}${cause}`)
  }
}
