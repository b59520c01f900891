import { setTimeout as sleep } from 'node:timers/promises'
import { freeBytes, messageOf, PipelineError } from '../../core/index.ts'

export interface GateOptions {
  folder: string
  /** Appends are refused with LOG_FULL while the volume has less free; never less than 1 MiB. */
  freeBytesMin: number
  /** Wait until nothing is being written, and open what is on disk anew. */
  reopen: () => Promise<void>
  onFatal: (error: PipelineError) => void
}

type State = { name: 'open' } | { name: 'full' | 'failed'; error: PipelineError }

const spaceCheckMs = 250
/**
 * What a write needs beyond its own bytes, with room to spare. Where less than this is free, a write that failed is
 * taken to have failed for want of space.
 */
const spaceMin = 2 ** 20

/** Whether a log may be written; its states and their exits are told in `embedded-log.ts`. */
export class Gate {
  readonly #options: GateOptions
  #state: State = { name: 'open' }
  /** Since a write has failed, no other is believed until what is on disk has been opened anew. */
  #believed = true
  #closed = false
  #recovering: Promise<void> | undefined

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Whether what is on disk may be read, and dropped. */
  get isReadable(): boolean {
    return this.#state.name !== 'failed' && !this.#closed
  }

  /** What a write would be refused with. */
  get refusal(): PipelineError | undefined {
    try {
      this.refuseUnlessOpen()
      return undefined
    } catch (error) {
      return error as PipelineError
    }
  }

  /** @throws LOG_FULL, LOG_FAILED, STOPPING */
  refuseUnlessOpen(): void {
    if (this.#closed) throw new PipelineError('STOPPING', `the log in ${this.#options.folder} is closed`)
    this.refuseUnlessWritable()
  }

  /** For what was accepted before the log was closed. @throws LOG_FULL, LOG_FAILED */
  refuseUnlessWritable(): void {
    if (this.#state.name !== 'open') throw this.#state.error
  }

  /** For a write that has succeeded. @throws LOG_FULL, LOG_FAILED when another failed before it */
  refuseUnlessBelieved(): void {
    if (!this.#believed) this.refuseUnlessWritable()
  }

  /**
   * Close the gate where the reserve is reached. What the reserve alone does not allow is refused, and smaller writes
   * go on.
   *
   * @param bytes of what is being written, this write included
   * @throws LOG_FULL
   */
  checkSpace(bytes: number): void {
    if (this.#state.name !== 'open') return
    const free = this.#freeBytes()
    const reserve = this.#spaceNeeded
    if (free >= reserve + bytes) return
    const message = `the log in ${this.#options.folder} is full: ${free} bytes are free on its volume, ${reserve} stay free`
    const error = new PipelineError('LOG_FULL', message)
    if (free >= reserve) throw error
    this.#becomeFull(error)
  }

  writeFailed(error: unknown): void {
    if (!this.#believed) return
    this.#believed = false
    const failure = this.failureOf('a write failed', error)
    if (failure.code === 'LOG_FULL') this.#becomeFull(failure)
    else this.#becomeFailed(failure)
  }

  /** Refuse everything for good: only opening anew tells what is on disk. */
  fail(error: PipelineError): void {
    this.#believed = false
    this.#becomeFailed(error)
  }

  /** LMDB says EIO for a full disk as well: what is free decides which it was. */
  failureOf(what: string, cause: unknown): PipelineError {
    const { folder } = this.#options
    const free = this.#freeBytes()
    const message = `the log in ${folder}: ${what} with ${free} bytes free on its volume: ${messageOf(cause)}`
    return new PipelineError(free < this.#spaceNeeded ? 'LOG_FULL' : 'LOG_FAILED', message, { cause })
  }

  /** Refuse from now on. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#recovering
  }

  get #spaceNeeded(): number {
    return Math.max(this.#options.freeBytesMin, spaceMin)
  }

  #freeBytes(): number {
    try {
      return freeBytes(this.#options.folder)
    } catch {
      // A volume that does not even answer is not full: it has failed, and the next write will say how.
      return Number.POSITIVE_INFINITY
    }
  }

  #becomeFull(error: PipelineError): void {
    if (this.#state.name !== 'open') return
    this.#state = { name: 'full', error }
    this.#recovering = this.#recover()
  }

  #becomeFailed(error: PipelineError): void {
    if (this.#state.name === 'failed') return
    this.#state = { name: 'failed', error }
    this.#options.onFatal(error)
  }

  /** Wait for space, then open the log anew: what is on disk decides, not what memory believes. */
  async #recover(): Promise<void> {
    while (!this.#closed && this.#freeBytes() < this.#spaceNeeded) await sleep(spaceCheckMs)
    if (this.#closed) return
    try {
      await this.#options.reopen()
      // What was still being written may have failed for another reason than space.
      if (this.#state.name !== 'full') return
      this.#believed = true
      this.#state = { name: 'open' }
    } catch (error) {
      const { folder } = this.#options
      const message = `the log in ${folder} did not open again: ${messageOf(error)}`
      this.fail(new PipelineError('LOG_FAILED', message, { cause: error }))
    }
  }
}
