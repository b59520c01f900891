import type { DatasetCleaner } from '../clean/index.ts'
import { messageOf, PipelineError, type Worker } from '../core/index.ts'
import type { EpochLog } from '../lake/index.ts'

/** State of a worker, for health and for people. */
export interface WorkerReport {
  state: string
  error?: string
  /** Of a cleaner: the epoch its tables have reached. */
  epoch?: number
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
  readonly #makeWorker: (name: string, step: () => Promise<boolean>) => Worker
  readonly #streams: Stream[] = []
  #started = false

  constructor(epochs: EpochLog, makeWorker: (name: string, step: () => Promise<boolean>) => Worker) {
    this.#epochs = epochs
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

  /** State of each stream by its name. */
  states(): Record<string, WorkerReport> {
    return Object.fromEntries(
      this.#streams.map(({ cleaner, worker, trouble }) => {
        const told = stateOf(worker)
        const isKnown = trouble !== undefined && told.error === undefined
        const willRetry = trouble instanceof PipelineError && trouble.retriable
        const state = willRetry ? 'retrying' : 'stopped'
        const report = isKnown ? { state, error: messageOf(trouble) } : told
        return [cleaner.name, withStanding(report, cleaner)]
      }),
    )
  }
}

export function stateOf({ state }: Worker): WorkerReport {
  return { state: state.name, ...('error' in state && { error: messageOf(state.error) }) }
}

/** What a worker says, with what its tables say. */
export function withStanding(report: WorkerReport, { standing }: DatasetCleaner): WorkerReport {
  if (!standing) return report
  const paused = standing.pausedAt !== undefined && report.error === undefined
  return { ...report, ...(paused && { state: 'paused' }), epoch: standing.epoch }
}
