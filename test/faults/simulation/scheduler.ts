import { AsyncLocalStorage } from 'node:async_hooks'
import { PipelineError } from '../../../src/core/index.ts'
import { Broken } from '../campaign.ts'

/** One call of a store or a log, before it is let through. */
export interface Operation {
  readonly kind: 'putIfAbsent' | 'put' | 'get' | 'list' | 'delete' | 'sync' | 'append'
  readonly key: string
  /** Does it, at once. */
  readonly act: () => unknown
}

/**
 * What becomes of an operation. `refused`: it fails, and nothing happened; `unheard`: it happens, and the caller is told
 * that it failed; `late`: the caller is told that it failed, and it happens some time afterwards.
 */
export type Fate = 'done' | 'refused' | 'unheard' | 'late'

/** A life of a worker, from its start to its crash. */
export interface Life {
  readonly worker: string
  dead: boolean
}

/** Something that a worker does, from operation to operation. */
interface Task {
  readonly life: Life
  readonly name: string
  /** Operations so far. */
  called: number
  waiting: Set<Pending>
}

export interface Pending extends Operation {
  /** The same in every run with the same decisions. */
  readonly id: string
  readonly task: Task
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

const hangMs = 60_000

/**
 * Holds every operation of every worker until it is told which goes next, so that one thing happens at a time. Between
 * decisions each task waits in an operation, or has ended.
 */
export class Scheduler {
  readonly #current = new AsyncLocalStorage<Task>()
  readonly #tasks = new Set<Task>()
  readonly #pending = new Set<Pending>()
  /** What failed, and will happen yet. */
  readonly late: Pending[] = []
  #changed: () => void = () => undefined

  /** In the order in which they were called. */
  get pending(): Pending[] {
    return [...this.#pending]
  }

  /** Whether a task of this name is under way. */
  isBusy(life: Life, name: string): boolean {
    return [...this.#tasks].some((task) => task.life === life && task.name === name)
  }

  /** Begin a task; what it throws goes to `onEnd`. Resolves when it waits for the first time. */
  async start(life: Life, name: string, action: () => Promise<void>, onEnd: (error?: unknown) => void) {
    const task: Task = { life, name, called: 0, waiting: new Set() }
    this.#tasks.add(task)
    const end = (error?: unknown): void => {
      this.#tasks.delete(task)
      onEnd(error)
      this.#changed()
    }
    this.#current.run(task, action).then(() => end(), end)
    await this.#quiet()
  }

  /** Called for a worker: wait to be let through. */
  call<T>(life: Life, operation: Operation): Promise<T> {
    const task = this.#current.getStore()
    if (!task) throw new Error(`${operation.kind} ${operation.key} outside of a task`)
    if (life.dead) return Promise.reject(new PipelineError('STORE_FAILED', `${life.worker} is dead`))
    return new Promise<T>((resolve, reject) => {
      const id = `${life.worker}.${task.name}#${task.called++}`
      const pending = { ...operation, id, task, resolve: resolve as (result: unknown) => void, reject }
      this.#pending.add(pending)
      task.waiting.add(pending)
      this.#changed()
    })
  }

  /** Let an operation through. @returns what the caller was told, for a trace */
  async release(pending: Pending, fate: Fate): Promise<unknown> {
    this.#forget(pending)
    let told: unknown
    try {
      if (fate === 'late') this.late.push(pending)
      else if (fate !== 'refused') told = pending.act()
      if (fate !== 'done') throw new PipelineError('STORE_FAILED', `${pending.kind} ${pending.key} failed`)
      pending.resolve(told)
    } catch (error) {
      told = error
      pending.reject(error)
    }
    await this.#quiet()
    return told
  }

  /** Let something happen that its caller has long been told to have failed. */
  releaseLate(at: number): Pending {
    const [pending] = this.late.splice(at, 1)
    if (!pending) throw new RangeError(`there is no late operation ${at}`)
    pending.act()
    return pending
  }

  /** End a life: what its tasks wait for fails, as does all they call from now on, one task after the other. */
  async kill(life: Life): Promise<void> {
    life.dead = true
    for (const task of this.#tasks) {
      if (task.life !== life) continue
      for (const pending of task.waiting) {
        this.#forget(pending)
        pending.reject(new PipelineError('STORE_FAILED', `${life.worker} died`))
      }
      await this.#quiet()
    }
  }

  #forget(pending: Pending): void {
    this.#pending.delete(pending)
    pending.task.waiting.delete(pending)
  }

  /** Wait until every task waits. @throws Broken when one goes on for ever */
  async #quiet(): Promise<void> {
    for (;;) {
      // Lets everything run that can.
      await new Promise((resolve) => setImmediate(resolve))
      const running = [...this.#tasks].find(({ waiting }) => waiting.size === 0)
      if (!running) return
      const name = `${running.life.worker}.${running.name}`
      await new Promise<void>((resolve, reject) => {
        const hung = () => reject(new Broken(`${name} neither ends nor calls a store`))
        const timer = setTimeout(hung, hangMs)
        this.#changed = () => {
          clearTimeout(timer)
          this.#changed = () => undefined
          resolve()
        }
      })
    }
  }
}
