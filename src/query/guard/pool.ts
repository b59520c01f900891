/**
 * The query processes of a platform, started when they are needed. One stays warm for a minute after the
 * last answer; one that has died, failed or grown large is replaced. Who finds both busy waits in line.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freeBytes, PipelineError } from '../../core/index.ts'
import type { EngineOptions } from '../../engine/index.ts'
import type { RowSink } from '../rows.ts'
import { Answering, type Outcome } from './answering.ts'
import type { Ask } from './protocol.ts'
import { QueryProcess } from './query-process.ts'

export interface QueryLimits {
  timeoutMs: number
  rowsMax: number
  /** Of an answer, as JSON. */
  bytesMax: number
  /** Of one row, as JSON. */
  rowBytesMax: number
}

export interface PoolOptions {
  /** One for each process that there may be: it works there, and nothing else does. */
  folders: readonly string[]
  engine: Pick<EngineOptions, 'memoryBytes' | 'threads'>
  limits: QueryLimits
}

const waitingMax = 16
const idleMs = 60_000
/** What an answer may spill to disk, and which part of what is free. */
const spillBytesMax = 2 ** 30
const spillOfFree = 8
/** Private memory besides the engine's own: threads, rows on their way, what the engine does not count. */
const besidesEngineBytes = 160 * 2 ** 20
/** Where a process cannot even start with its limit, it is raised by this much, so often. */
const raiseBytes = 2 ** 30
const raisesMax = 2
/** As many other processes may be tried for a text that none has begun with. */
const othersMax = 2

interface Slot {
  folder: string
  busy: boolean
  process?: QueryProcess | undefined
  /** Settles when what ran here has ended, and the folder is empty. */
  emptied: Promise<void>
  idle?: NodeJS.Timeout
}

export class QueryPool {
  readonly #options: PoolOptions
  readonly #slots: Slot[]
  readonly #closing = new AbortController()
  #waiting: ((slot: Slot) => void)[] = []
  #raises = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#slots = options.folders.map((folder) => ({ folder, busy: false, emptied: Promise.resolve() }))
  }

  /**
   * Answer a text. The time it may take begins with its turn, once a process is ready.
   *
   * @throws OVERLOADED when too many wait; STOPPING when nobody waits for it any more; what `QueryProcess.ask` throws
   */
  async ask(
    { sql, tables, paths, schema }: Pick<Ask, 'sql' | 'tables' | 'paths' | 'schema'>,
    sink: RowSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { timeoutMs, ...limits } = this.#options.limits
    const ending = AbortSignal.any([signal, this.#closing.signal])
    let answering: Answering | undefined
    const slot = await this.#turn(ending)
    try {
      const asked = { sql, tables, paths, schema, engine: this.#engine(slot), ...limits }
      for (let another = 0; ; another++) {
        const process = await this.#processOf(slot)
        try {
          answering = new Answering(sink)
          return await process.ask(asked, answering, timeoutMs, ending)
        } catch (error) {
          // One that had died meanwhile, or could not start, has not seen the text: another one can.
          if (process.hasBegun || ending.aborted || !isEnd(error) || another >= othersMax) throw error
          if (!process.wasReady) this.#raises = Math.min(this.#raises + 1, raisesMax)
        }
      }
    } finally {
      this.#free(slot)
      // No row is given once this has settled; the next need not wait for who is slow to take them.
      await answering?.given()
    }
  }

  /** End all of them, and what they are about. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const slot of this.#slots) this.#end(slot)
    await Promise.all(this.#slots.map(({ emptied }) => emptied))
  }

  /** One that can answer. */
  async #processOf(slot: Slot): Promise<QueryProcess> {
    if (slot.process?.isWorn) this.#end(slot)
    if (slot.process) return slot.process
    await slot.emptied
    if (this.#closing.signal.aborted) throw nobodyWaits()
    const { engine, limits } = this.#options
    const growthBytes = 2 * engine.memoryBytes + besidesEngineBytes + this.#raises * raiseBytes
    slot.process = new QueryProcess(slot.folder, growthBytes, limits.rowBytesMax)
    return slot.process
  }

  #engine({ folder }: Slot): EngineOptions {
    const temporaryBytesMax = Math.min(spillBytesMax, freeBytes(folder) / spillOfFree)
    return { ...this.#options.engine, temporaryFolder: spillOf(folder), temporaryBytesMax }
  }

  #end(slot: Slot): void {
    const { process, folder } = slot
    clearTimeout(slot.idle)
    if (!process) return
    slot.process = undefined
    process.kill()
    // What is left is emptied with the scratch of the platform, at its next start.
    const emptied = () => rm(spillOf(folder), { recursive: true, force: true }).catch(() => undefined)
    slot.emptied = process.ended.then(emptied)
  }

  /** A place of one's own, first come first served. */
  async #turn(signal: AbortSignal): Promise<Slot> {
    if (signal.aborted) throw nobodyWaits()
    const isFree = ({ busy }: Slot) => !busy
    const slot = this.#slots.find((place) => isFree(place) && place.process) ?? this.#slots.find(isFree)
    if (slot) {
      slot.busy = true
      clearTimeout(slot.idle)
      return slot
    }
    if (this.#waiting.length >= waitingMax) {
      const message = `${this.#waiting.length} queries wait for their turn already`
      throw new PipelineError('OVERLOADED', message)
    }
    const { promise, resolve, reject } = Promise.withResolvers<Slot>()
    this.#waiting.push(resolve)
    const onAbort = () => {
      this.#waiting = this.#waiting.filter((other) => other !== resolve)
      reject(nobodyWaits())
    }
    signal.addEventListener('abort', onAbort)
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  #free(slot: Slot): void {
    if (slot.process?.isWorn) this.#end(slot)
    const next = this.#waiting.shift()
    if (next) {
      next(slot)
      return
    }
    slot.busy = false
    const isWarm = this.#slots.some((other) => other !== slot && !other.busy && other.process)
    if (isWarm) this.#end(slot)
    else slot.idle = setTimeout(() => this.#end(slot), idleMs).unref()
  }
}

function spillOf(folder: string): string {
  return join(folder, 'spill')
}

function isEnd(error: unknown): boolean {
  return error instanceof PipelineError && error.code.startsWith('QUERY_')
}

function nobodyWaits(): PipelineError {
  return new PipelineError('STOPPING', 'nobody waits for the answer any more')
}
