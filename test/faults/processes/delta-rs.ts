import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installPython, python } from '../../engines/python.ts'
import { Broken } from '../campaign.ts'

/** One resident process that reads Delta tables with delta-rs. */
export class DeltaRs {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#answers = createInterface({ input: process.stdout! })[Symbol.asyncIterator]()
  }

  /** @throws when it cannot be installed */
  static async open(): Promise<DeltaRs> {
    await installPython()
    const script = join(import.meta.dirname, 'tables.py')
    return new DeltaRs(spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** Columns of all rows. @throws Broken when it cannot read the table */
  async rows(path: string, columns: readonly string[]): Promise<unknown[][]> {
    this.#process.stdin!.write(`${JSON.stringify({ path, columns })}\n`)
    const { done, value } = await this.#answers.next()
    if (done) throw new Error('the process with delta-rs has ended')
    const { rows, error } = JSON.parse(value) as { rows: unknown[][]; error?: string }
    if (error !== undefined) throw new Broken(`delta-rs cannot read ${path}: ${error}`)
    return rows
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'close')
    this.#process.stdin!.end()
    await ended
  }
}
