import type { ObjectStore, StoredObject } from '../../src/core/index.ts'
import { PipelineError } from '../../src/core/index.ts'

/** What goes wrong: at which put from now on, whether that put still takes effect, and whether the process goes on. */
export interface Mishap {
  put: number
  effect: boolean
  survived?: boolean
}

/**
 * The store as one process sees it. At a mishap a put fails; unless that is survived, the process is dead and every
 * call fails until `recover`. What the process had in memory is for the test to drop.
 */
export class MortalStore implements ObjectStore {
  readonly #inner: ObjectStore
  #mishap: Mishap | undefined
  dead = false
  /** Whether the mishap has happened. */
  failed = false
  /** Called before each put or get: what others do in that moment. */
  beforePut: (key: string) => Promise<void> = async () => undefined
  beforeGet: (key: string) => Promise<void> = async () => undefined

  constructor(inner: ObjectStore) {
    this.#inner = inner
  }

  failAt(mishap: Mishap | undefined): void {
    this.#mishap = mishap && { ...mishap }
    this.failed = false
  }

  recover(): void {
    this.dead = false
    this.failAt(undefined)
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
    const mishap = this.#mishap
    if (!mishap || --mishap.put > 0) return action()
    this.#mishap = undefined
    this.failed = true
    if (mishap.effect) await action()
    this.dead = !mishap.survived
    throw new PipelineError('STORE_FAILED', 'the put failed')
  }

  #alive(): void {
    if (this.dead) throw new PipelineError('STORE_FAILED', 'the process is dead')
  }
}
