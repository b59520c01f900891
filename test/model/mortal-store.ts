import type { ObjectStore, StoredObject } from '../../src/core/index.ts'
import { PipelineError } from '../../src/core/index.ts'

/** When a process dies: at which of its puts from now on, and whether that put still takes effect. */
export interface Death {
  put: number
  effect: boolean
}

/**
 * The store as one process sees it, until it dies: from then on every call fails, until `revive`. What the process
 * had in memory is for the test to drop.
 */
export class MortalStore implements ObjectStore {
  readonly #inner: ObjectStore
  #death: Death | undefined
  dead = false
  /** Called before each put or get: what others do in that moment. */
  beforePut: (key: string) => Promise<void> = async () => undefined
  beforeGet: (key: string) => Promise<void> = async () => undefined

  constructor(inner: ObjectStore) {
    this.#inner = inner
  }

  dieAt(death: Death | undefined): void {
    this.#death = death && { ...death }
  }

  revive(): void {
    this.dead = false
    this.#death = undefined
  }

  putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    return this.#put(key, () => this.#inner.putIfAbsent(key, content))
  }

  put(key: string, content: Uint8Array): Promise<void> {
    return this.#put(key, () => this.#inner.put(key, content))
  }

  async get(key: string): Promise<Buffer | undefined> {
    this.#alive()
    await this.beforeGet(key)
    return this.#inner.get(key)
  }

  async list(prefix: string, after?: string): Promise<StoredObject[]> {
    this.#alive()
    return this.#inner.list(prefix, after)
  }

  async delete(key: string): Promise<void> {
    this.#alive()
    return this.#inner.delete(key)
  }

  async localPath(key: string): Promise<string> {
    this.#alive()
    return this.#inner.localPath(key)
  }

  async sync(key: string): Promise<void> {
    this.#alive()
    return this.#inner.sync(key)
  }

  async #put<T>(key: string, action: () => Promise<T>): Promise<T> {
    this.#alive()
    await this.beforePut(key)
    const dies = this.#death !== undefined && --this.#death.put <= 0
    if (dies && !this.#death?.effect) this.dead = true
    this.#alive()
    const result = await action()
    if (dies) this.dead = true
    this.#alive()
    return result
  }

  #alive(): void {
    if (this.dead) throw new PipelineError('STORE_FAILED', 'the process is dead')
  }
}
