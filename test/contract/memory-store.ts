import type { Clock, ObjectStore, StoredObject } from '../../src/core/index.ts'

/** An object store in memory, for tests that look at many histories. Every method takes a turn of the event loop. */
export class MemoryStore implements ObjectStore {
  readonly objects: Map<string, { content: Buffer; modifiedMs: number }>
  readonly #clock: Clock

  constructor(clock: Clock = () => 0, objects: MemoryStore['objects'] = new Map()) {
    this.#clock = clock
    this.objects = objects
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    check(key)
    await turn()
    if (this.objects.has(key)) return false
    this.#put(key, content)
    return true
  }

  async put(key: string, content: Uint8Array): Promise<void> {
    check(key)
    await turn()
    this.#put(key, content)
  }

  async get(key: string): Promise<Buffer | undefined> {
    check(key)
    await turn()
    return this.objects.get(key)?.content
  }

  async list(prefix: string, after = ''): Promise<StoredObject[]> {
    check(prefix.slice(0, -1))
    await turn()
    return [...this.objects]
      .filter(([key]) => key.startsWith(prefix) && key > after)
      .map(([key, { content, modifiedMs }]) => ({ key, sizeBytes: content.length, modifiedMs }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async delete(key: string): Promise<void> {
    check(key)
    await turn()
    this.objects.delete(key)
  }

  localPath(): Promise<string> {
    throw new Error('objects in memory have no path')
  }

  async sync(): Promise<void> {}

  #put(key: string, content: Uint8Array): void {
    this.objects.set(key, { content: Buffer.from(content), modifiedMs: this.#clock() })
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function check(key: string): void {
  if (key.split('/').some((part) => /^(\.{0,2}|\.put~.*)$/s.test(part) || part.includes('\0')))
    throw new TypeError(`illegal object key ${JSON.stringify(key)}`)
}
