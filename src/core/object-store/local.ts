import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSystemError, messageOf, PipelineError } from '../errors.ts'
import type { ObjectStore, StoredObject } from './object-store.ts'

/** Names of files that are being written; a crash may leave some, and opening the store deletes them. */
const temporaryPrefix = '.put-'

/**
 * An object store in a local folder.
 *
 * Put-if-absent is: write a temporary file, fsync it, hard-link it to its name (EEXIST = lost the race), fsync the
 * folder. Exclusive create would show half-written objects, exists-then-rename loses them.
 */
export class LocalObjectStore implements ObjectStore {
  readonly #root: string
  readonly #madeFolders = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    return this.#guard('put', key, async () => {
      const path = await this.localPath(key)
      const temporary = await this.#writeTemporary(path, content)
      try {
        await link(temporary, path)
      } catch (error) {
        if (!isSystemError(error, 'EEXIST')) throw error
        // Whoever made the name may not have made it durable; what the caller is told must be.
        await syncPath(dirname(path))
        return false
      } finally {
        await rm(temporary, { force: true })
      }
      await syncPath(dirname(path))
      return true
    })
  }

  put(key: string, content: Uint8Array): Promise<void> {
    return this.#guard('put', key, async () => {
      const path = await this.localPath(key)
      const temporary = await this.#writeTemporary(path, content)
      await rename(temporary, path)
      await syncPath(dirname(path))
    })
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#guard('get', key, async () => {
      try {
        return await readFile(this.#path(key))
      } catch (error) {
        if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
        throw error
      }
    })
  }

  list(prefix: string, after = ''): Promise<StoredObject[]> {
    return this.#guard('list', prefix, async () => {
      const found: StoredObject[] = []
      await this.#walk(prefix.replace(/\/$/, ''), after, found)
      return found.sort((a, b) => (a.key < b.key ? -1 : 1))
    })
  }

  delete(key: string): Promise<void> {
    return this.#guard('delete', key, () => rm(this.#path(key), { force: true }))
  }

  async localPath(key: string): Promise<string> {
    const path = this.#path(key)
    await this.#makeFolder(dirname(path))
    return path
  }

  sync(key: string): Promise<void> {
    return this.#guard('sync', key, async () => {
      const path = this.#path(key)
      await syncPath(path)
      await syncPath(dirname(path))
    })
  }

  /** Delete what puts of a process that died have left. Call before any put, and only as the folder's owner. */
  async recover(): Promise<void> {
    await this.#guard('recover', '', async () => {
      const names = await readdir(this.#root, { recursive: true }).catch(() => [])
      for (const name of names) {
        if (name.slice(name.lastIndexOf('/') + 1).startsWith(temporaryPrefix))
          await rm(join(this.#root, name))
      }
    })
  }

  #path(key: string): string {
    const illegal = key
      .split('/')
      .some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))
    if (illegal) throw new TypeError(`illegal object key ${JSON.stringify(key)}`)
    return join(this.#root, key)
  }

  async #writeTemporary(path: string, content: Uint8Array): Promise<string> {
    const temporary = join(dirname(path), temporaryPrefix + randomUUID())
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    } finally {
      await file.close()
    }
    return temporary
  }

  /** Make a folder and its missing parents durable, each once a process. */
  async #makeFolder(folder: string): Promise<void> {
    if (this.#madeFolders.has(folder)) return
    const first = await mkdir(folder, { recursive: true })
    if (first !== undefined) {
      for (let made = folder; made.length >= first.length; made = dirname(made)) await syncPath(dirname(made))
    }
    this.#madeFolders.add(folder)
  }

  async #walk(prefix: string, after: string, found: StoredObject[]): Promise<void> {
    const entries = await readdir(join(this.#root, prefix), { withFileTypes: true }).catch(
      (error: unknown) => {
        if (isSystemError(error, 'ENOENT')) return []
        throw error
      },
    )
    for (const entry of entries) {
      const key = `${prefix}/${entry.name}`
      if (entry.isDirectory()) await this.#walk(key, after, found)
      else if (key > after && !entry.name.startsWith(temporaryPrefix)) {
        // A file may be deleted between the two calls: then it is not there.
        const status = await stat(join(this.#root, key)).catch(() => undefined)
        if (status) found.push({ key, sizeBytes: status.size, modifiedMs: status.mtimeMs })
      }
    }
  }

  async #guard<T>(verb: string, key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      if (error instanceof TypeError) throw error
      // A folder deleted by hand must be made again.
      this.#madeFolders.clear()
      const code = isSystemError(error, 'ENOSPC', 'EDQUOT') ? 'STORE_FULL' : 'STORE_FAILED'
      throw new PipelineError(code, `${verb} ${key} in ${this.#root}: ${messageOf(error)}`, { cause: error })
    }
  }
}

/** fsync a file or folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
