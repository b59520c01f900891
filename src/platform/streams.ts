import type { DatasetCleaner } from '../clean/index.ts'
import { messageOf, type Worker } from '../core/index.ts'
import type { EpochLog } from '../lake/index.ts'

interface Stream {
  cleaner: DatasetCleaner
  worker: Worker
  /** Epochs up to here are in the tables, or hold nothing for them. */
  done: number
}

/** The stream cleaning of every dataset, each in its own worker. */
export class Streams {
  readonly #epochs: EpochLog
  readonly #makeWorker: (name: string, step: () => Promise<boolean>) => Worker
  readonly #streams: Stream[] = []

  constructor(epochs: EpochLog, makeWorker: (name: string, step: () => Promise<boolean>) => Worker) {
    this.#epochs = epochs
    this.#makeWorker = makeWorker
  }

  add(cleaner: DatasetCleaner): void {
    this.#streams.push(this.#open(cleaner))
  }

  get workers(): Worker[] {
    return this.#streams.map(({ worker }) => worker)
  }

  /** Epoch up to which every stream has cleaned. */
  get done(): number {
    return Math.min(...this.#streams.map(({ done }) => done))
  }

  /** Whether every stream has cleaned up to an epoch, but for those that have stopped. */
  reached(epoch: number): boolean {
    return this.#streams.every(({ done, worker }) => done >= epoch || worker.state.name === 'stopped')
  }

  wake(): void {
    for (const { worker } of this.#streams) worker.wake()
  }

  /** Hold the stream of a cleaner while something else is done to its tables; then it begins anew. */
  async pausing(cleaner: DatasetCleaner, action: () => Promise<void>): Promise<void> {
    const at = this.#streams.findIndex((stream) => stream.cleaner === cleaner)
    await this.#streams[at]?.worker.end()
    try {
      await action()
    } finally {
      this.#streams[at] = this.#open(cleaner)
      this.#streams[at].worker.start()
    }
  }

  #open(cleaner: DatasetCleaner): Stream {
    const step = async () => {
      const { newest } = this.#epochs
      const more = await cleaner.step()
      // While records keep coming there is always more.
      stream.done = more ? Math.max(stream.done, (await cleaner.state()).dataEpoch) : newest
      return more
    }
    const stream: Stream = { cleaner, done: 0, worker: this.#makeWorker(cleaner.name, step) }
    return stream
  }

  /** State of each stream by its name. */
  states(): Record<string, { state: string; error?: string }> {
    return Object.fromEntries(this.#streams.map(({ cleaner, worker }) => [cleaner.name, stateOf(worker)]))
  }
}

export function stateOf({ state }: Worker): { state: string; error?: string } {
  return { state: state.name, ...('error' in state && { error: messageOf(state.error) }) }
}
