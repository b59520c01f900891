import type { DatasetCleaner } from '../clean/index.ts'
import { type ErrorCode, messageOf, PipelineError, type Worker } from '../core/index.ts'
import type { EpochLog } from '../lake/index.ts'
import type { ShareAlarm } from './share-alarm.ts'

/** State of a worker, for health and for people. */
export interface WorkerReport {
  state: string
  error?: string
  /** Of the error. */
  code?: ErrorCode
  /** Of a cleaner: the epoch its tables have reached. */
  epoch?: number
  /** Of a stream: that too many of its newest records are bad. It goes on. */
  alert?: string
}

interface Stream {
  cleaner: DatasetCleaner
  worker: Worker
  /** Epochs up to here are in the tables, or hold nothing for them. */
  done: number
  /** What was wrong with the tables when they were looked at last. */
  trouble: unknown
}

/** The stream cleaning of every dataset, each in its own worker. */
export class Streams {
  readonly #epochs: EpochLog
  readonly #alarm: ShareAlarm
  readonly #makeWorker: (name: string, step: () => Promise<boolean>) => Worker
  readonly #streams: Stream[] = []
  #started = false

  constructor(
    epochs: EpochLog,
    alarm: ShareAlarm,
    makeWorker: (name: string, step: () => Promise<boolean>) => Worker,
  ) {
    this.#epochs = epochs
    this.#alarm = alarm
    this.#makeWorker = makeWorker
  }

  /** @param trouble what is wrong with its tables, as far as is known */
  add(cleaner: DatasetCleaner, trouble?: unknown): void {
    this.#streams.push(this.#open(cleaner, trouble))
  }

  get started(): boolean {
    return this.#started
  }

  start(): void {
    this.#started = true
    for (const { worker } of this.#streams) worker.start()
  }

  get workers(): Worker[] {
    return this.#streams.map(({ worker }) => worker)
  }

  /** Epoch up to which every stream has cleaned: one that stands still keeps what comes after its tables in the log. */
  get done(): number {
    return Math.min(...this.#streams.map(({ done }) => done))
  }

  /** What is wrong with tables. */
  get troubles(): unknown[] {
    return this.#streams.map(({ trouble }) => trouble).filter((trouble) => trouble !== undefined)
  }

  /** Whether every stream has cleaned up to an epoch, but for those that have stopped or are paused. */
  reached(epoch: number): boolean {
    return this.#streams.every(
      ({ done, worker, cleaner }) =>
        done >= epoch || worker.state.name === 'stopped' || cleaner.standing?.pausedAt !== undefined,
    )
  }

  wake(): void {
    for (const { worker } of this.#streams) worker.wake()
  }

  /** Hold the stream of a cleaner while something else is done to its tables; then it begins anew. */
  async pausing<T>(cleaner: DatasetCleaner, action: () => Promise<T>): Promise<T> {
    const at = this.#streams.findIndex((stream) => stream.cleaner === cleaner)
    await this.#streams[at]?.worker.end()
    try {
      return await action()
    } finally {
      this.#streams[at] = this.#open(cleaner)
      if (this.#started) this.#streams[at].worker.start()
    }
  }

  #open(cleaner: DatasetCleaner, trouble?: unknown): Stream {
    const step = async () => {
      const { newest } = this.#epochs
      try {
        const more = await cleaner.step()
        // While records keep coming there is always more.
        if (!more && cleaner.standing?.pausedAt === undefined) stream.done = newest
        stream.trouble = undefined
        await this.#alarm.observe(cleaner)
        return more
      } catch (error) {
        stream.trouble = error
        throw error
      } finally {
        stream.done = Math.max(stream.done, cleaner.standing?.epoch ?? 0)
      }
    }
    const stream: Stream = { cleaner, done: 0, worker: this.#makeWorker(cleaner.name, step), trouble }
    return stream
  }

  /** What there is to be told of each dataset's newest records, whether its stream runs or not. */
  async alerts(): Promise<Record<string, string>> {
    const alerts: Record<string, string> = {}
    for (const { cleaner } of this.#streams) {
      await this.#alarm.observe(cleaner)
      const alert = this.#alarm.alertOf(cleaner.name)
      if (alert !== undefined) alerts[cleaner.name] = alert
    }
    return alerts
  }

  /** State of each stream by its name. */
  states(): Record<string, WorkerReport> {
    return Object.fromEntries(
      this.#streams.map(({ cleaner, worker, trouble }) => {
        const told = stateOf(worker)
        const isKnown = trouble !== undefined && told.error === undefined
        const willRetry = trouble instanceof PipelineError && trouble.retriable
        const state = willRetry ? 'retrying' : 'stopped'
        const report = isKnown ? { state, ...toldOf(trouble) } : told
        const alert = this.#alarm.alertOf(cleaner.name)
        return [cleaner.name, { ...withStanding(report, cleaner), ...(alert !== undefined && { alert }) }]
      }),
    )
  }
}

export function stateOf({ state }: Worker): WorkerReport {
  return { state: state.name, ...('error' in state && toldOf(state.error)) }
}

/** What to do about an error, as the end of a sentence; nothing where it is tried again. */
export function nextOf(error: unknown): string {
  return error instanceof PipelineError && !error.retriable ? `. ${error.next}` : ''
}

export function throwIfStopped({ state }: Worker): void {
  if (state.name === 'stopped') throw state.error
}

export function throwIfFailing({ state }: Worker): void {
  if ('error' in state) throw state.error
}

/** What is said of an error. */
export function toldOf(error: unknown): Pick<WorkerReport, 'error' | 'code'> {
  return { error: messageOf(error), ...(error instanceof PipelineError && { code: error.code }) }
}

/** What a worker says, with what its tables say. */
export function withStanding(report: WorkerReport, { standing }: DatasetCleaner): WorkerReport {
  if (!standing) return report
  const paused = standing.pausedAt !== undefined && report.error === undefined
  return { ...report, ...(paused && { state: 'paused' }), epoch: standing.epoch }
}
