import { PipelineError } from '../../core/index.ts'
import type { RowSink } from '../rows.ts'
import type { Column, FromProcess } from './protocol.ts'

/** Between being told to stop and being killed; so much below a second that the end itself is within it. */
const graceMs = 800
/** A process is ready in a fraction of a second, on a machine that has nothing else to do. */
const startPatienceMs = 15_000

/** What an answer consists of besides its rows. */
export interface Outcome {
  columns: Column[]
  /** Places in `Ask.tables` of what was read. */
  read: number[]
}

interface End {
  stop(): void
  kill(): void
}

/** One answer under way: passes rows on, and ends it when it must not go on. */
export class Answering {
  readonly #sink: RowSink
  readonly #outcome = Promise.withResolvers<Outcome>()
  #columns: Column[] = []
  #why: { reason: unknown } | undefined
  /** How the process is told to stop, and how it is made to. */
  #end: End = { stop: () => undefined, kill: () => undefined }
  /** Undefined when it has ended. */
  #timer: NodeJS.Timeout | undefined
  #killing: NodeJS.Timeout | undefined
  #giving: Promise<void> = Promise.resolve()

  constructor(sink: RowSink) {
    this.#sink = sink
  }

  /**
   * Wait for it. `timeoutMs` after the process was ready it is stopped, as at once when `signal` aborts or the sink
   * throws; less than a second later it has ended.
   *
   * @param ready settles when the process can answer
   * @throws QUERY_TIMED_OUT, STOPPING, or what the sink threw, rather than what followed from it
   */
  async outcome(timeoutMs: number, signal: AbortSignal, ready: Promise<void>, end: End): Promise<Outcome> {
    this.#end = end
    const onAbort = () => this.#stop(new PipelineError('STOPPING', 'nobody waits for the answer any more'))
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    this.#timer = setTimeout(() => this.#stop(notStarted()), startPatienceMs)
    void ready.then(() => this.#within(timeoutMs))
    try {
      const outcome = await this.#outcome.promise
      if (this.#why) throw this.#why.reason
      return outcome
    } catch (error) {
      throw this.#why ? this.#why.reason : error
    } finally {
      clearTimeout(this.#timer)
      this.#timer = undefined
      clearTimeout(this.#killing)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Take what the process says; settles when it may go on. */
  async take(message: FromProcess): Promise<void> {
    if ('done' in message) this.#outcome.resolve({ columns: this.#columns, read: message.done.read })
    else if ('failed' in message)
      this.#outcome.reject(new PipelineError(message.failed.code, message.failed.message))
    else if (!this.#why) {
      this.#giving = this.#give(message)
      await this.#giving
    }
  }

  /** The process has ended. */
  fail(error: PipelineError): void {
    this.#outcome.reject(error)
  }

  /** Settles when the sink has taken what it was given. */
  given(): Promise<void> {
    return this.#giving
  }

  async #give(message: FromProcess): Promise<void> {
    try {
      if ('columns' in message) {
        this.#columns = message.columns
        await this.#sink.onColumns?.(message.columns)
      } else if ('rows' in message) await this.#sink.onRows(message.rows, message.bytes)
    } catch (error) {
      this.#stop(error)
    }
  }

  #within(timeoutMs: number): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#stop(timedOut(timeoutMs)), timeoutMs)
  }

  #stop(reason: unknown): void {
    if (this.#why) return
    this.#why = { reason }
    this.#end.stop()
    this.#killing = setTimeout(() => this.#end.kill(), graceMs)
  }
}

function timedOut(timeoutMs: number): PipelineError {
  const message = `the query was ended after ${timeoutMs / 1_000} s, the most it may take (query.timeoutMs)`
  return new PipelineError('QUERY_TIMED_OUT', message)
}

function notStarted(): PipelineError {
  const message = `the SQL engine was not ready after ${startPatienceMs / 1_000} s: the machine is very busy`
  return new PipelineError('QUERY_TIMED_OUT', message)
}
