import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type CleaningPath, cleaningPaths } from '../../../src/clean/index.ts'
import { PipelineError } from '../../../src/core/index.ts'
import { Engine } from '../../../src/engine/index.ts'
import { Broken, type Campaign, type Outcome } from '../campaign.ts'
import { Books } from './books.ts'
import { type Failed, FailingCalls, type Failure } from './failing-calls.ts'
import { FailingEngines } from './failing-engines.ts'
import { FailingFs } from './failing-fs.ts'
import { appendWhileFailing, whyNoStrace } from './native.ts'
import { type Operation, operations } from './operations.ts'
import { Plant } from './plant.ts'

type Mode = Omit<Failure, 'at'>

const modes: readonly Mode[] = [
  { code: 'EIO', happens: false, forGood: false },
  { code: 'EIO', happens: true, forGood: false },
  { code: 'EIO', happens: false, forGood: true },
  { code: 'ENOSPC', happens: false, forGood: true },
  { code: 'EIO', happens: true, forGood: true },
  { code: 'ENOSPC', happens: false, forGood: false },
]

/** Of so many failures one is followed up to the end of everything. */
const wholeEvery = 6
/** Nothing takes as long. */
const patienceMs = 20_000

interface Template {
  root: string
  books: Books
}

/** One way of failing, at every call that an operation makes. */
class FailingIo {
  readonly #folder = mkdtempSync(join(fastFolder(), 'pinflow-failing-'))
  readonly #calls = new FailingCalls()
  readonly #fs = new FailingFs(this.#calls, join(this.#folder, 'data'))
  readonly #engines = new FailingEngines(this.#calls)
  readonly #templates = new Map<Operation, Promise<Template>>()
  readonly #engine: Engine
  readonly #unhandled: unknown[] = []
  readonly #onUnhandled = (reason: unknown) => void this.#unhandled.push(reason)

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  static async open(): Promise<FailingIo> {
    const opened = new FailingIo(
      await Engine.open({ memoryBytes: 2 ** 29, threads: 1, temporaryFolder: tmpdir() }),
    )
    opened.#fs.install()
    opened.#engines.install()
    for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, opened.#onUnhandled)
    return opened
  }

  close(): void {
    for (const event of ['unhandledRejection', 'uncaughtException']) process.off(event, this.#onUnhandled)
    this.#fs.uninstall()
    this.#engines.uninstall()
    this.#engine.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async run(seed: number): Promise<Outcome> {
    // One more than there are operations: LMDB's own calls.
    const kinds = operations.length + 1
    const operation = operations[seed % kinds]
    const mode = modes[Math.floor(seed / kinds) % modes.length]!
    const round = Math.floor(seed / kinds / modes.length)
    return operation ? this.#runOperation(operation, mode, round) : this.#runNative(mode)
  }

  async #runNative(mode: Mode): Promise<Outcome> {
    const name = `append, by LMDB's own calls`
    const why = whyNoStrace()
    if (why !== undefined) return { faults: {}, skipped: { [name]: why }, records: 0 }
    let points = 0
    let records = 0
    for (;;) {
      const failure = { ...mode, at: points + 1 }
      const acknowledged = await appendWhileFailing(join(this.#folder, 'native'), failure).catch(
        (error: unknown) => {
          throw brokenAt(name, failure, error)
        },
      )
      if (acknowledged === undefined) return { faults: { [name]: points }, records }
      points++
      records += acknowledged
    }
  }

  /** @param round which of the calls of a long operation fail */
  async #runOperation(operation: Operation, mode: Mode, round: number): Promise<Outcome> {
    const template = await this.#templateOf(operation)
    // What takes long is spread over the seeds: a call in four each.
    const every = operation.of || operation.onFolder ? 4 : 1
    let points = 0
    let records = 0
    for (let at = 1 + (round % every); ; at += every) {
      const root = join(this.#folder, 'data', 'at')
      rmSync(root, { recursive: true, force: true })
      if (!operation.isFirst) cpSync(template.root, root, { recursive: true })
      const books = new Books(template.books)
      const paths = points % wholeEvery === 2 ? cleaningPaths : operation.of ? [operation.of] : []
      const goesOn = (round + points) % 2 === 0
      const point = { operation, root, books, failure: { ...mode, at }, goesOn, paths }
      try {
        if (!(await this.#runPoint(point))) break
      } catch (error) {
        throw brokenAt(`${operation.name}, ${goesOn ? 'going on' : 'opened anew'}`, point.failure, error)
      }
      points++
      records += books.records
    }
    return { faults: { [operation.name]: points }, records }
  }

  /** @returns whether a call failed */
  async #runPoint(point: Point): Promise<boolean> {
    const hit = await bounded('it', point.operation.onPlant ? this.#onPlant(point) : this.#onFolder(point))
    await new Promise((resolve) => setImmediate(resolve))
    const [unhandled] = this.#unhandled.splice(0)
    if (unhandled !== undefined)
      throw new Broken(`nobody caught ${unhandled instanceof Error ? unhandled.stack : unhandled}`)
    return hit
  }

  async #onPlant({ operation, root, books, failure, goesOn, paths }: Point): Promise<boolean> {
    const act = (plant: Plant) => operation.onPlant!(plant, books)
    let plant = await this.#openPlant(root, operation)
    if (operation.of) await plant.cleaner(operation.of)
    const tried = await this.#try(failure, () => act(plant))
    if (tried.failed.length === 0) {
      await plant.close()
      return false
    }
    if (!goesOn || plant.fatal) {
      await plant.close()
      plant = await this.#openPlant(root, operation)
    }
    refuseUnflushed(tried)
    if (tried.error !== undefined) tried.result = await patiently(() => act(plant))
    await patiently(() => plant.finish(paths))
    await plant.close()
    const reopened = await this.#openPlant(root)
    try {
      const untrue = await tried.result?.(reopened)
      if (untrue !== undefined) throw new Broken(`it had succeeded, but ${untrue}`)
      await books.check(reopened, paths)
    } finally {
      await reopened.close()
    }
    return true
  }

  async #onFolder({ operation, root, books, failure, goesOn, paths }: Point): Promise<boolean> {
    const open = () => operation.onFolder!(root)
    const toClose = operation.isClosing ? await open() : undefined
    const tried = await this.#try(failure, async () => (toClose ? void (await toClose.close()) : open()))
    if (toClose && tried.error !== undefined) await toClose.close()
    const opened = tried.result
    if (!opened?.hasTrouble) refuseUnflushed(tried)
    if (tried.failed.length > 0 && opened?.hasTrouble) await opened.heal()
    await opened?.close()
    if (tried.failed.length === 0) return false
    if (goesOn || operation.name.startsWith('adopt')) await (await open()).close()
    const plant = await this.#openPlant(root)
    try {
      await books.append(plant, 1)
      await plant.finish(paths)
      await books.check(plant, paths)
    } finally {
      await plant.close()
    }
    return true
  }

  /** Do something whose calls fail. @throws Broken when it fails in a way that nobody can deal with */
  async #try<T>(
    failure: Failure,
    action: () => Promise<T>,
  ): Promise<Failed & { result?: T; error?: unknown }> {
    this.#calls.arm(failure)
    try {
      const result = await bounded('the operation', action())
      return { ...this.#calls.disarm(), result }
    } catch (error) {
      const failed = this.#calls.disarm()
      if (error instanceof Broken) throw error
      const isTold =
        error instanceof PipelineError && (error.retriable || error.code === 'DATA_FOLDER_UNUSABLE')
      if (!isTold)
        throw new Error(`after ${failed.failed[0]} it threw what is not worth another try`, { cause: error })
      return { ...failed, error }
    }
  }

  #openPlant(root: string, { laterMs = 0 }: { laterMs?: number } = {}): Promise<Plant> {
    for (const name of ['lake', 'tables', 'index', 'tmp']) mkdirSync(join(root, name), { recursive: true })
    return Plant.open(root, this.#engine, laterMs)
  }

  #templateOf(operation: Operation): Promise<Template> {
    const known = this.#templates.get(operation)
    if (known) return known
    const made = this.#makeTemplate(operation)
    this.#templates.set(operation, made)
    return made
  }

  async #makeTemplate(operation: Operation): Promise<Template> {
    const root = join(this.#folder, 'data', `template-${operations.indexOf(operation)}`)
    const books = new Books()
    if (operation.isFirst) return { root, books }
    // As a whole platform leaves it.
    await (await operations[0]!.onFolder!(root)).close()
    const plant = await this.#openPlant(root)
    await operation.prepare(plant, books)
    await plant.close()
    await operation.afterwards?.(root, books)
    return { root, books }
  }
}

interface Point {
  operation: Operation
  root: string
  books: Books
  failure: Failure
  /** Whether the same process goes on, or another opens what is on disk. */
  goesOn: boolean
  /** Tables that are brought up to date and looked into; the others could not have been touched. */
  paths: readonly CleaningPath[]
}

/** Nothing here depends on a disk that is real. */
function fastFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
}

function brokenAt(what: string, { at, code, happens, forGood }: Failure, error: unknown): Broken {
  const how = `${code}${happens ? ', done all the same' : ''}, ${forGood ? 'for good' : 'once'}`
  return new Broken(`${what}, call ${at}: ${how}: ${inspect(error)}`, error instanceof Broken ? error : {})
}

/** What has succeeded is on disk. */
function refuseUnflushed({ error, unflushed }: Failed & { error?: unknown }): void {
  if (error === undefined && unflushed.length > 0)
    throw new Broken(`it succeeded, though ${unflushed} was not flushed`)
}

async function bounded<T>(what: string, action: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Broken(`${what} did not end in ${patienceMs} ms`)), patienceMs)
  })
  try {
    return await Promise.race([action, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A log that was full says so until it has seen that there is room again. */
async function patiently<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof PipelineError && error.code === 'LOG_FULL')) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

let current: FailingIo | undefined

const endNow = () => {
  current?.close()
  process.exit(143)
}

/** The n-th call to the disk fails, for every n, of every operation, in every way. */
export const failingIo: Campaign = {
  name: 'failing-io',
  runs: 2 * (operations.length + 1),
  budgetSeconds: 420,
  async open() {
    current = await FailingIo.open()
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, endNow)
  },
  async close() {
    current?.close()
  },
  async run(seed) {
    return current!.run(seed)
  },
}
