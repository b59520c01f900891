import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { EmbeddedLog } from '../../../src/log/index.ts'
import { everything, options } from './support.ts'

/** A process that appends, and what it has said. */
export class Appender {
  readonly #process: ChildProcess
  readonly lines: string[] = []
  readonly #ended: Promise<unknown>
  #onLine: () => void = () => undefined
  #errors = ''

  constructor(folder: string, valueBytes: number, prefix: string[] = []) {
    const script = fileURLToPath(new URL('appender.ts', import.meta.url))
    const [command = process.execPath, ...args] = [
      ...prefix,
      process.execPath,
      script,
      folder,
      String(valueBytes),
    ]
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#ended = once(this.#process, 'close')
    this.#process.stderr?.on('data', (text) => {
      this.#errors += text
    })
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.lines.push(line)
      this.#onLine()
    })
    onTestFinished(async () => {
      this.#process.kill('SIGKILL')
      await this.#ended
    })
  }

  /** Acknowledged values by offset. */
  get acknowledged(): Map<number, string> {
    const acks = this.lines.filter((line) => line.startsWith('ack ')).map((line) => line.split(' '))
    return new Map(acks.map(([, offset, name]) => [Number(offset), name!]))
  }

  count(start: string): number {
    return this.lines.filter((line) => line.startsWith(start)).length
  }

  /** Wait for so many further lines that begin with a word. @returns the last of them */
  async next(start: string, count = 1): Promise<string> {
    const from = this.lines.length
    for (;;) {
      const found = this.lines.slice(from).filter((line) => line.startsWith(start))
      if (found.length >= count) return found[count - 1]!
      if (this.#process.exitCode !== null) throw new Error(`the child ended: ${this.#errors}`)
      await Promise.race([new Promise<void>((resolve) => (this.#onLine = resolve)), this.#ended])
    }
  }

  say(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  /** Let it end by itself. @returns what it complained of */
  async stop(): Promise<string> {
    this.say('stop')
    await this.#ended
    expect({ code: this.#process.exitCode, errors: this.#errors }).toMatchObject({ code: 0 })
    return this.#errors
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
  }
}

/** Open what a process has left: every acknowledged record must be there, in its place. @returns the end */
export async function expectAcknowledged(folder: string, acknowledged: Map<number, string>): Promise<number> {
  const log = await EmbeddedLog.open(folder, options)
  try {
    const found = log.read('t', 0, 0, everything)
    const values = new Map(found.map(({ offset, value }) => [offset, String(value).replace(/\.+$/, '')]))
    expect(new Map([...acknowledged.keys()].map((offset) => [offset, values.get(offset)]))).toEqual(
      acknowledged,
    )
    expect(values.size).toBe(found.length)
    return log.offsets('t', 0).end
  } finally {
    await log.close()
  }
}
