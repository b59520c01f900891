import { setTimeout as sleep } from 'node:timers/promises'
import { PipelineError } from './errors.ts'

export type WorkerState =
  | { name: 'idle' | 'working' }
  /** The last step failed, and is tried again. */
  | { name: 'retrying'; error: unknown }
  /** The last step failed for good: only a person can help. */
  | { name: 'stopped'; error: unknown }

export interface WorkerOptions {
  /** @returns whether there may be more to do at once */
  step: () => Promise<boolean>
  /** A step is tried at least this often, even when nothing wakes the worker. */
  idleMs: number
  onFailure: (error: unknown, willRetry: boolean) => void
}

const retryMinMs = 50
const retryMaxMs = 5_000

/**
 * Takes one step after another. Idle → working when woken or after `idleMs`; working → idle when a step says there is
 * no more; working → retrying (waits, longer each time) after a retriable error; working → stopped after any other.
 */
export class Worker {
  readonly #options: WorkerOptions
  #state: WorkerState = { name: 'idle' }
  #ending = new AbortController()
  #woken = true
  #wake: () => void = () => undefined
  #running: Promise<void> | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  get state(): WorkerState {
    return this.#state
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Take a step soon. */
  wake(): void {
    this.#woken = true
    this.#wake()
  }

  /** Finish the step that is being taken, and take no more. */
  async end(): Promise<void> {
    this.#ending.abort()
    this.wake()
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#ending.signal.aborted && this.#state.name !== 'stopped') {
      this.#woken = false
      try {
        this.#state = { name: 'working' }
        const more = await this.#options.step()
        failures = 0
        this.#state = { name: 'idle' }
        if (!more && !this.#woken) await this.#wait(this.#options.idleMs)
      } catch (error) {
        const willRetry = error instanceof PipelineError && error.retriable
        this.#state = { name: willRetry ? 'retrying' : 'stopped', error }
        // A store that is full stays full for a while: say so once.
        if (failures++ === 0 || !willRetry) this.#options.onFailure(error, willRetry)
        if (willRetry) await this.#backOff(failures)
      }
    }
  }

  async #backOff(failures: number): Promise<void> {
    const delayMs = Math.min(retryMinMs * 2 ** failures, retryMaxMs) * (0.5 + Math.random() / 2)
    await sleep(delayMs, undefined, { signal: this.#ending.signal }).catch(() => undefined)
  }

  async #wait(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => undefined
  }
}
