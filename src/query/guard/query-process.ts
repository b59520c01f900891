/** A query process, seen from the platform. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { messageOf, PipelineError } from '../../core/index.ts'
import type { Answering, Outcome } from './answering.ts'
import { type Ask, type FromProcess, messages, type ToProcess } from './protocol.ts'
import { spawnChild } from './spawn.ts'

/** What a message holds besides its rows, and the row before the one that filled it. */
const lineMarginBytes = 2 ** 20
/** Of what it says on its standard error, the end is kept. */
const lastWordsMax = 8_192

/**
 * Starting → ready ⇄ answering; from each of them → ended, by itself or killed, and then it never answers again. What
 * happens to it happens to nobody else. It is asked one thing at a time: its pool sees to that.
 */
export class QueryProcess {
  readonly #child: ChildProcess
  readonly #growthBytes: number
  readonly #ready = Promise.withResolvers<void>()
  #answering: Answering | undefined
  #begun = false
  #bytesAtFirst: number | undefined
  #bytes = 0
  #failed = false
  #killed = false
  #lastWords = ''
  #over: PipelineError | undefined
  /** Settles when it has ended, with what is to be said of that. */
  readonly ended: Promise<PipelineError>

  /**
   * @param folder where it works: empty, its own
   * @param growthBytes private memory that it may come to have once it is ready
   * @param lineBytesMax of a piece of rows; beyond it, it is not what it should be
   */
  constructor(folder: string, growthBytes: number, lineBytesMax: number) {
    this.#growthBytes = growthBytes
    this.#child = spawnChild(folder, growthBytes)
    this.#child.stderr?.on('data', (said: Buffer) => {
      this.#lastWords = (this.#lastWords + said.toString()).slice(-lastWordsMax)
    })
    this.ended = this.#end().then((error) => {
      this.#over = error
      this.#answering?.fail(error)
      return error
    })
    void this.#listen(lineBytesMax)
  }

  /** Whether it has ever been ready to answer. */
  get wasReady(): boolean {
    return this.#bytesAtFirst !== undefined
  }

  /** Whether it has begun with what it was last asked. */
  get hasBegun(): boolean {
    return this.#begun
  }

  /** Whether another should take its place: the engine has failed in it, or it has become large and stays so. */
  get isWorn(): boolean {
    const grownBytes = this.#bytes - (this.#bytesAtFirst ?? 0)
    return this.#over !== undefined || this.#failed || this.#killed || grownBytes > this.#growthBytes / 3
  }

  /**
   * Ask it. An answer that takes longer than `timeoutMs` once the process is ready, or that nobody waits for, has ended
   * within a second from then, and by force if need be.
   *
   * @returns columns, and what was read
   * @throws QUERY_*, ANSWER_TOO_LARGE, TABLE_DAMAGED; STOPPING by `signal`; what the sink throws
   */
  async ask(ask: Ask, answering: Answering, timeoutMs: number, signal: AbortSignal): Promise<Outcome> {
    this.#answering = answering
    this.#begun = false
    if (this.#over) answering.fail(this.#over)
    else this.#send(ask)
    try {
      return await answering.outcome(timeoutMs, signal, this.#ready.promise, {
        stop: () => this.#send({ stop: true }),
        kill: () => this.kill(),
      })
    } finally {
      this.#answering = undefined
    }
  }

  /** End it now. */
  kill(): void {
    this.#killed = true
    this.#child.kill('SIGKILL')
  }

  #send(message: ToProcess): void {
    this.#socket.write(`${JSON.stringify(message)}\n`)
  }

  get #socket(): Socket {
    return this.#child.stdio[3] as Socket
  }

  async #listen(lineBytesMax: number): Promise<void> {
    // An error means that it has ended; how, is known there.
    this.#socket.on('error', () => undefined)
    try {
      for await (const message of messages<FromProcess>(this.#socket, lineBytesMax + lineMarginBytes)) {
        if ('ready' in message) {
          this.#bytesAtFirst = message.ready.dataBytes
          this.#ready.resolve()
        } else await this.#take(message)
      }
    } catch {
      this.kill()
    }
  }

  async #take(message: FromProcess): Promise<void> {
    if ('begun' in message) this.#begun = true
    if ('done' in message) this.#bytes = message.done.dataBytes
    if ('failed' in message) {
      this.#bytes = message.failed.dataBytes
      this.#failed = message.failed.code === 'QUERY_ENGINE_ENDED'
    }
    await this.#answering?.take(message)
  }

  async #end(): Promise<PipelineError> {
    try {
      const [exited] = await Promise.all([once(this.#child, 'exit'), finished(this.#child.stderr!)])
      return endOf(exited[1] as NodeJS.Signals | null, exited[0] as number | null, this.#lastWords)
    } catch (error) {
      const message = `the SQL engine cannot be started: ${messageOf(error)}`
      return new PipelineError('QUERY_ENGINE_ENDED', message, { cause: error })
    }
  }
}

/** What is to be said of an end that nobody asked for. */
function endOf(signal: NodeJS.Signals | null, code: number | null, lastWords: string): PipelineError {
  const how = signal ?? `exit code ${code}`
  if (signal === 'SIGKILL' || /out of memory|bad_alloc|Allocation failed|Cannot allocate/i.test(lastWords)) {
    return new PipelineError(
      'QUERY_OUT_OF_MEMORY',
      `the query took all the memory it may have, and its engine ended (${how})`,
    )
  }
  return new PipelineError(
    'QUERY_ENGINE_ENDED',
    `the query ended the SQL engine (${how}); the platform is unharmed`,
    {
      cause: new Error(lastWords.trim()),
    },
  )
}
