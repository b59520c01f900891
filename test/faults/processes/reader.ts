import { setTimeout as sleep } from 'node:timers/promises'
import { topics } from './records.ts'
import type { Subject } from './subject.ts'

const pauseMs = 1_000

/** A consumer that reads one topic after another from its beginning, also while the platform dies. */
export class Reader {
  readonly #subject: Subject
  #stopping = false
  #running: Promise<void> = Promise.resolve()

  constructor(subject: Subject) {
    this.#subject = subject
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (let at = 0; !this.#stopping; at++) {
      await sleep(pauseMs)
      // What was read before it broke off counts; why it did is told by the checks after a fault.
      if (this.#subject.isRunning)
        await this.#subject.read(topics[at % topics.length]!).catch(() => undefined)
    }
  }
}
