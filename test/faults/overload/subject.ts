import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { launch, type Started, started } from '../../e2e/pinflow.ts'

const sampleMs = 50

export interface SubjectOptions {
  /** Configuration by variable. */
  env?: Record<string, string>
  /** Commands that go before `node`. */
  before?: readonly string[]
}

/** A whole platform in a process of its own, over a new data folder, whose memory is watched all its life. */
export class Subject {
  readonly #folder: string
  readonly #options: SubjectOptions
  readonly #sampler = setInterval(() => this.#sample(), sampleMs)
  #server: Started
  #token = ''
  #peakBytes = 0
  #phasePeakBytes = 0

  private constructor(folder: string, options: SubjectOptions, server: Started) {
    this.#folder = folder
    this.#options = options
    this.#server = server
  }

  static async open(options: SubjectOptions = {}): Promise<Subject> {
    const folder = await mkdtemp(join(tmpdir(), 'pinflow-overload-'))
    try {
      const subject = new Subject(folder, options, await begin(folder, options))
      await subject.#readToken()
      return subject
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** End it in order, and start it again over its folder. @returns how long it took to open its doors, in milliseconds */
  async restart(): Promise<number> {
    await this.#server.stop()
    const before = performance.now()
    this.#server = await begin(this.#folder, this.#options)
    await this.#readToken()
    return performance.now() - before
  }

  async #readToken(): Promise<void> {
    const text = await readFile(join(this.#folder, 'data', 'server.json'), 'utf8')
    this.#token = (JSON.parse(text) as { token: string }).token
  }

  get gatewayUrl(): string {
    return this.#server.gatewayUrl
  }

  get apiUrl(): string {
    return this.#server.apiUrl
  }

  get token(): string {
    return this.#token
  }

  /** The most anonymous memory it held so far. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  /** The most it held since this was asked last. */
  takePeakBytes(): number {
    this.#sample()
    const peak = this.#phasePeakBytes
    this.#phasePeakBytes = 0
    return peak
  }

  /** Anonymous memory now. */
  rssBytes(): number {
    return anonymousBytes(this.#server.child.pid)
  }

  get stderr(): string {
    return this.#server.stderr()
  }

  get alive(): boolean {
    return this.#server.child.exitCode === null && this.#server.child.signalCode === null
  }

  signal(signal: NodeJS.Signals): void {
    this.#server.child.kill(signal)
  }

  /** Run an operation. @throws what it answers with */
  async call<T>(
    operation: string,
    parameters: object = {},
    onItem: (item: unknown) => void = () => undefined,
  ): Promise<T> {
    const response = await fetch(`${this.apiUrl}/api/${operation}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(parameters),
    })
    for await (const line of createInterface({ input: Readable.fromWeb(response.body!) })) {
      const { item, result, error } = JSON.parse(line) as {
        item?: unknown
        result?: T
        error?: { code: string; message: string }
      }
      if (item !== undefined) onItem(item)
      if (error) throw new Error(`${operation}: ${error.code} ${error.message}`)
      if (result !== undefined) return result
    }
    throw new Error(`${operation} ended without a result`)
  }

  /** End it, however it is, and remove its folder. */
  async remove(): Promise<void> {
    clearInterval(this.#sampler)
    if (this.alive) this.#server.child.kill('SIGKILL')
    await this.#server.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #sample(): void {
    const bytes = anonymousBytes(this.#server.child.pid)
    this.#peakBytes = Math.max(this.#peakBytes, bytes)
    this.#phasePeakBytes = Math.max(this.#phasePeakBytes, bytes)
  }
}

function begin(folder: string, { env = {}, before = [] }: SubjectOptions): Promise<Started> {
  const args = ['start', '--json', '--data', join(folder, 'data'), '--gateway-port', '0', '--api-port', '0']
  return started(launch(args, { env, before }))
}

/** RssAnon of a process; 0 when it has ended. */
function anonymousBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024
  } catch {
    return 0
  }
}
