import { createHash } from 'node:crypto'
import { PipelineError } from '../../../src/core/index.ts'

const linesKept = 25

/** The decisions of a run with what came of each; two runs did the same when their digests are equal. */
export class Trace {
  readonly #hash = createHash('sha256')
  readonly #last: string[] = []
  steps = 0

  add(what: string, told?: unknown): void {
    const line = `${this.steps++} ${what}${told === undefined ? '' : ` = ${textOf(told)}`}`
    this.#hash.update(line)
    if (Buffer.isBuffer(told)) this.#hash.update(told)
    if (process.env.SIMULATION_TRACE) console.log(line)
    this.#last.push(line)
    if (this.#last.length > linesKept) this.#last.shift()
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  /** The last lines. */
  tail(): string {
    return this.#last.join('\n  ')
  }
}

function textOf(told: unknown): string {
  if (Buffer.isBuffer(told)) return `${told.length} bytes`
  if (Array.isArray(told)) return `${told.length} objects`
  if (told instanceof PipelineError) return `${told.code} ${told.message}`
  return told instanceof Error ? `${told.name} ${told.message}` : String(told)
}
