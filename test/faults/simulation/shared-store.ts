import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock, ObjectStore, StoredObject } from '../../../src/core/index.ts'
import type { Life, Scheduler } from './scheduler.ts'

/** What all workers share: objects in memory; those that engines read and write are files as well. Acts at once. */
export class SharedStore {
  readonly #objects = new Map<string, { content: Buffer; modifiedMs: number }>()
  /** Keys whose path was asked for. */
  readonly #files = new Set<string>()
  readonly #folder: string
  readonly #clock: Clock
  /** Called before an object changes. */
  beforeWrite: (key: string, content: Buffer, present: Buffer | undefined) => void = () => undefined

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
  }

  putIfAbsent(key: string, content: Buffer): boolean {
    if (this.get(key)) return false
    this.put(key, content)
    return true
  }

  put(key: string, content: Buffer): void {
    this.beforeWrite(key, content, this.get(key))
    this.#objects.set(key, { content, modifiedMs: this.#clock() })
  }

  get(key: string): Buffer | undefined {
    const object = this.#objects.get(key)
    if (object) return object.content
    return this.#sizeOfFile(key) === undefined ? undefined : readFileSync(this.#pathOf(key))
  }

  list(prefix: string, after = ''): StoredObject[] {
    const found = new Map<string, StoredObject>()
    const wanted = (key: string): boolean => key.startsWith(prefix) && key > after
    for (const key of this.#files) {
      const sizeBytes = wanted(key) ? this.#sizeOfFile(key) : undefined
      if (sizeBytes !== undefined) found.set(key, { key, sizeBytes, modifiedMs: this.#clock() })
    }
    for (const [key, { content, modifiedMs }] of this.#objects)
      if (wanted(key)) found.set(key, { key, sizeBytes: content.length, modifiedMs })
    return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  delete(key: string): void {
    this.#objects.delete(key)
    if (this.#files.delete(key)) rmSync(this.#pathOf(key), { force: true })
  }

  localPath(key: string): string {
    const path = this.#pathOf(key)
    if (this.#files.has(key)) return path
    this.#files.add(key)
    mkdirSync(dirname(path), { recursive: true })
    const object = this.#objects.get(key)
    if (object) writeFileSync(path, object.content)
    return path
  }

  #pathOf(key: string): string {
    return join(this.#folder, key)
  }

  #sizeOfFile(key: string): number | undefined {
    return this.#files.has(key) ? statSync(this.#pathOf(key), { throwIfNoEntry: false })?.size : undefined
  }
}

/** The shared store as one life of a worker sees it: nothing happens before the scheduler lets it. */
export class ScheduledStore implements ObjectStore {
  readonly #shared: SharedStore
  readonly #scheduler: Scheduler
  readonly #life: Life

  constructor(shared: SharedStore, scheduler: Scheduler, life: Life) {
    this.#shared = shared
    this.#scheduler = scheduler
    this.#life = life
  }

  putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    const kept = Buffer.from(content)
    return this.#call('putIfAbsent', key, () => this.#shared.putIfAbsent(key, kept))
  }

  put(key: string, content: Uint8Array): Promise<void> {
    const kept = Buffer.from(content)
    return this.#call('put', key, () => this.#shared.put(key, kept))
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#call('get', key, () => this.#shared.get(key))
  }

  list(prefix: string, after?: string): Promise<StoredObject[]> {
    return this.#call('list', prefix, () => this.#shared.list(prefix, after))
  }

  delete(key: string): Promise<void> {
    return this.#call('delete', key, () => this.#shared.delete(key))
  }

  /** Nothing that others could see. */
  async localPath(key: string): Promise<string> {
    return this.#shared.localPath(key)
  }

  sync(key: string): Promise<void> {
    return this.#call('sync', key, () => undefined)
  }

  #call<T>(kind: 'putIfAbsent' | 'put' | 'get' | 'list' | 'delete' | 'sync', key: string, act: () => T) {
    return this.#scheduler.call<T>(this.#life, { kind, key, act })
  }
}

/** The shared store as nobody in particular sees it, who never waits. */
export function unscheduled(shared: SharedStore): ObjectStore {
  return {
    putIfAbsent: async (key, content) => shared.putIfAbsent(key, Buffer.from(content)),
    put: async (key, content) => shared.put(key, Buffer.from(content)),
    get: async (key) => shared.get(key),
    list: async (prefix, after) => shared.list(prefix, after),
    delete: async (key) => shared.delete(key),
    localPath: async (key) => shared.localPath(key),
    sync: async () => undefined,
  }
}
