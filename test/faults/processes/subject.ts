import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { OperationName, ParametersOf, ResultOf } from '../../../src/api/index.ts'
import { launch, type Started, started } from '../../e2e/pinflow.ts'
import { Broken } from '../campaign.ts'
import type { Reading } from './history.ts'
import { forgetClock } from './kinds/clock.ts'
import type { Exchange, Load } from './load.ts'
import type { Place } from './place.ts'
import { hurtFileOf, type Plan, planVariable } from './plan.ts'
import { datasets, otherShards, otherStream, topics } from './records.ts'

/** Everything happens often: takes, landings, new segments, groups. */
const settings = {
  PINFLOW_TAKE_AGE_MS: '1000',
  PINFLOW_LAND_AGE_MS: '1000',
  PINFLOW_LAND_FLUSH_SIZE: '100',
  PINFLOW_LOG_SEGMENT_BYTES: '20000',
  PINFLOW_LOG_FREE_BYTES_MIN: '1048576',
  // A clock that leaps forward lets nothing become old.
  PINFLOW_LOG_RETENTION_MS: String(100 * 365 * 24 * 3_600_000),
  PINFLOW_CLEAN_GROUP_RECORDS_MAX: '300',
  PINFLOW_API_TOKEN: 'the-token-of-a-test',
}

/** After so long without a step forward something is taken to be stuck. */
const patienceMs = 240_000
const pollMs = 50

/** A time in which clients may be refused, or lose their connection. */
interface Excuse {
  beganMs: number
  endedMs: number
}

/** The platform under test: a data folder, the process that owns it through its many lives, and its clients. */
export class Subject {
  readonly place: Place
  readonly load: Load
  readonly readings: Reading[] = []
  readonly figures: Record<string, number[]> = {}
  readonly #extraEnv: Record<string, string>
  readonly #excuses: Excuse[] = []
  #server: Started | undefined
  #ended: Promise<unknown> = Promise.resolve()

  constructor(place: Place, load: Load, extraEnv: Record<string, string> = {}) {
    this.place = place
    this.load = load
    this.#extraEnv = extraEnv
  }

  /** The process that runs. */
  get server(): Started {
    if (!this.#server) throw new TypeError('the platform does not run')
    return this.#server
  }

  get isRunning(): boolean {
    return this.#server !== undefined
  }

  /** What a process on this folder is given. */
  get env(): Record<string, string> {
    const preload = pathToFileURL(join(import.meta.dirname, 'points.ts')).href
    return {
      ...settings,
      ...this.#extraEnv,
      [planVariable]: this.#planFile,
      NODE_OPTIONS: `--import=${preload}`,
    }
  }

  /** Start it, and let clients go to it. @throws Broken when it does not start */
  async start(): Promise<void> {
    const refusal = await this.tryStart()
    if (refusal !== undefined) throw new Broken(`it does not start: ${refusal}`)
  }

  /** @returns what it wrote to standard error where it did not start */
  async tryStart(): Promise<string | undefined> {
    const launchedMs = performance.now()
    const args = ['start', '--json', '--data', this.place.data, '--gateway-port', '0', '--api-port', '0']
    const child = launch(args, { env: this.env, before: this.place.before })
    try {
      this.#server = await started(child)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    this.note('ms until ready', performance.now() - launchedMs)
    this.#ended =
      child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit')
    this.load.gatewayUrl = this.#server.gatewayUrl
    return undefined
  }

  kill(): Promise<void> {
    this.server.child.kill('SIGKILL')
    return this.end()
  }

  /** Wait until the process has ended, of whatever it is dying. */
  async end(of = 'a signal'): Promise<void> {
    const { child, stderr } = this.server
    await this.within(this.#ended, () => `it does not end of ${of}`)
    this.load.gatewayUrl = undefined
    this.#server = undefined
    if (child.pid !== undefined) forgetClock(child.pid)
    this.exit = { code: child.exitCode, signal: child.signalCode, stderr: stderr() }
  }

  /** How the last process ended. */
  exit: { code: number | null; signal: string | null; stderr: string } = {
    code: null,
    signal: null,
    stderr: '',
  }

  /** Clients may be refused while this goes on. */
  async excusing<T>(action: () => Promise<T>): Promise<T> {
    const excuse = { beganMs: performance.now(), endedMs: Number.POSITIVE_INFINITY }
    this.#excuses.push(excuse)
    const result = await action()
    excuse.endedMs = performance.now()
    return result
  }

  /** Requests that were not served, though nothing was done to the platform that would explain it. */
  unexcused(): Exchange[] {
    return this.load.exchanges.filter(
      ({ status, places, beganMs, endedMs }) =>
        Number.isFinite(endedMs) &&
        (status !== 200 || places.includes(undefined)) &&
        !this.#excuses.some((excuse) => beganMs < excuse.endedMs && excuse.beganMs < endedMs),
    )
  }

  /** Let the process do this to itself. */
  arm(plan: Plan): void {
    rmSync(hurtFileOf(this.#planFile), { force: true })
    writeFileSync(this.#planFile, JSON.stringify(plan))
    this.server.child.kill('SIGUSR2')
  }

  /** How many operations the plan has hurt so far. */
  get hurt(): number {
    const file = hurtFileOf(this.#planFile)
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
  }

  /** @throws Broken when it takes too long */
  async until(what: string, isDone: () => boolean): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (!isDone()) {
      if (this.load.failure) throw this.load.failure
      if (performance.now() > deadline)
        throw new Broken(`${what} for ${patienceMs} ms\n${await this.#standing()}`)
      await sleep(pollMs)
    }
  }

  async within<T>(work: Promise<T>, what: () => string): Promise<T> {
    const late = new AbortController()
    const timer = sleep(patienceMs, undefined, { signal: late.signal }).then(async () => {
      throw new Broken(`${what()} after ${patienceMs} ms\n${await this.#standing()}`)
    })
    try {
      return await Promise.race([work, timer])
    } finally {
      late.abort()
      timer.catch(() => undefined)
    }
  }

  /**
   * Look where every stage is.
   *
   * @returns what waits until each has taken another step by itself, which it does while clients are at work; throws
   * Broken when one is stuck
   */
  watch(): () => Promise<void> {
    const before = this.#steps()
    const stuck = () => Object.entries(this.#steps()).filter(([stage, step]) => step <= before[stage]!)
    return () => this.until('a stage does not go on', () => stuck().length === 0)
  }

  /** The newest name of each stage's files, which are numbered. */
  #steps(): Record<string, string> {
    const folders = {
      epochs: 'lake/_pinflow/pinterest/epochs',
      landed: 'lake/_pinflow/pinterest/landed',
      ...Object.fromEntries(datasets.map((name) => [name, `tables/stream/${name}/_delta_log`])),
    }
    return Object.fromEntries(
      Object.entries(folders).map(([stage, folder]) => {
        const path = join(this.place.outside, folder)
        const names = existsSync(path) ? readdirSync(path).filter((name) => /^\d{20}\.json$/.test(name)) : []
        return [stage, names.sort().at(-1) ?? '']
      }),
    )
  }

  /** Ask the running platform. @throws Broken for an error, whose code is in the message */
  async ask<Name extends OperationName>(
    name: Name,
    parameters: ParametersOf<Name>,
    onItem: (item: unknown) => void = () => undefined,
  ): Promise<ResultOf<Name>> {
    return this.within(this.#ask(name, parameters, onItem), () => `${name} is not answered`)
  }

  async #ask<Name extends OperationName>(
    name: Name,
    parameters: ParametersOf<Name>,
    onItem: (item: unknown) => void,
  ): Promise<ResultOf<Name>> {
    const response = await fetch(`${this.server.apiUrl}/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${settings.PINFLOW_API_TOKEN}` },
      body: JSON.stringify(parameters),
    })
    for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) })) {
      const { item, result, error } = JSON.parse(line) as {
        item?: unknown
        result?: unknown
        error?: unknown
      }
      if (error) throw new Broken(`${name} failed: ${JSON.stringify(error)}`)
      if (item !== undefined) onItem(item)
      else return result as ResultOf<Name>
    }
    throw new Broken(`${name} was not answered whole`)
  }

  /** Read all topics from their beginnings. */
  async readAll(): Promise<Reading[]> {
    const readings: Reading[] = []
    for (const topic of topics) readings.push(await this.read(topic))
    return readings
  }

  /** Read a topic from its beginning; what was read is remembered, also where it broke off. */
  async read(topic: string): Promise<Reading> {
    const records: Reading['records'][number][] = []
    const reading = { topic, beganMs: performance.now(), endedMs: 0, whole: false, records }
    try {
      await this.ask('consume', { topic, fromBeginning: true, follow: false }, (item) => {
        const { partition, offset, key, value, timestampMs } = item as Consumed
        records.push({ partition, offset, id: key.replaceAll('"', ''), value, timeMs: timestampMs })
      })
      reading.whole = true
      return reading
    } finally {
      reading.endedMs = performance.now()
      this.readings.push(reading)
    }
  }

  /** Make the stream that belongs to no dataset. */
  async makeOtherStream(): Promise<void> {
    const response = await fetch(`${this.server.gatewayUrl}/streams/${otherStream}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ShardCount: otherShards }),
    })
    if (response.status !== 200) throw new Broken(`CreateStream: ${response.status} ${await response.text()}`)
  }

  get #planFile(): string {
    return join(this.place.beside, 'plan.json')
  }

  note(figure: string, value: number): void {
    const noted = this.figures[figure] ?? []
    noted.push(value)
    this.figures[figure] = noted
  }

  /** For the message of a failure. */
  async #standing(): Promise<string> {
    if (!this.#server) return 'it does not run'
    const ready = await fetch(`${this.server.apiUrl}/health/ready`, { signal: AbortSignal.timeout(5_000) })
      .then((response) => response.text())
      .catch((error: Error) => error.message)
    return `${ready}\n${this.server.stderr().split('\n').slice(-12).join('\n')}`
  }
}

interface Consumed {
  partition: number
  offset: number
  key: string
  value: string
  timestampMs: number
}
