import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isSystemError, messageOf, PipelineError } from '../errors.ts'
import type { ObjectStore, StoredObject } from './object-store.ts'

/** Names of files that are being written, and of nothing else; a crash may leave some, `recover` deletes them. */
const temporaryPrefix = '.put~'

/**
 * An object store in a local folder.
 *
 * Put-if-absent is: write a temporary file, fsync it, hard-link it to its name (EEXIST = lost the race), fsync the
 * folder. Exclusive create would show half-written objects, exists-then-rename loses them.
 */
export class LocalObjectStore implements ObjectStore {
  readonly #root: string
  /** Folders that were made, or seen, and made durable by this process. */
  readonly #folders = new Map<string, Promise<void>>()

  constructor(root: string) {
    this.#root = resolve(root)
  }

  putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    return this.#guard('put', key, async () => {
      const path = await this.#readyPath(key)
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
      const path = await this.#readyPath(key)
      const temporary = await this.#writeTemporary(path, content)
      try {
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
      await syncPath(dirname(path))
    })
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#guard('get', key, async () => {
      try {
        return await readFile(this.#path(key))
      } catch (error) {
        if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined
        throw error
      }
    })
  }

  list(prefix: string, after = ''): Promise<StoredObject[]> {
    return this.#guard('list', prefix, async () => {
      if (!prefix.endsWith('/')) throw new TypeError(`illegal prefix ${JSON.stringify(prefix)}`)
      const folder = prefix.slice(0, -1)
      refuseIllegal(folder)
      const found: StoredObject[] = []
      await this.#walk(folder, after, found)
      return found.sort((a, b) => (a.key < b.key ? -1 : 1))
    })
  }

  delete(key: string): Promise<void> {
    return this.#guard('delete', key, () => rm(this.#path(key), { force: true }))
  }

  localPath(key: string): Promise<string> {
    return this.#guard('make the folder of', key, () => this.#readyPath(key))
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
      for (const name of await filesOf(this.#root)) {
        if (basename(name).startsWith(temporaryPrefix)) await rm(join(this.#root, name), { force: true })
      }
    })
  }

  #path(key: string): string {
    refuseIllegal(key)
    return join(this.#root, key)
  }

  async #readyPath(key: string): Promise<string> {
    const path = this.#path(key)
    await this.#makeFolder(dirname(path))
    return path
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

  /**
   * Make a folder and its parents up to the root, and make them durable, each once a process: one that is there may
   * have been made by a process that died before it was durable, or by a call that is not yet done.
   */
  #makeFolder(folder: string): Promise<void> {
    const making = this.#folders.get(folder) ?? this.#makeDurable(folder)
    this.#folders.set(folder, making)
    return making
  }

  async #makeDurable(folder: string): Promise<void> {
    if (folder.length > this.#root.length) await this.#makeFolder(dirname(folder))
    await mkdir(folder, { recursive: true })
    await syncPath(dirname(folder))
  }

  async #walk(prefix: string, after: string, found: StoredObject[]): Promise<void> {
    const entries = await readdir(join(this.#root, prefix), { withFileTypes: true }).catch(
      (error: unknown) => {
        if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
        throw error
      },
    )
    for (const entry of entries) {
      const key = `${prefix}/${entry.name}`
      if (entry.isDirectory()) await this.#walk(key, after, found)
      else if (key > after && !entry.name.startsWith(temporaryPrefix)) {
        // A file may be deleted between the two calls: then it is not there.
        const status = await stat(join(this.#root, key)).catch((error: unknown) => {
          if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
          throw error
        })
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
      this.#folders.clear()
      const code = isSystemError(error, 'ENOSPC', 'EDQUOT') ? 'STORE_FULL' : 'STORE_FAILED'
      throw new PipelineError(code, `${verb} ${key} in ${this.#root}: ${messageOf(error)}`, { cause: error })
    }
  }
}

function refuseIllegal(key: string): void {
  const illegal = key
    .split('/')
    .some(
      (part) =>
        part === '' ||
        part === '.' ||
        part === '..' ||
        part.includes('\0') ||
        part.startsWith(temporaryPrefix),
    )
  if (illegal) throw new TypeError(`illegal object key ${JSON.stringify(key)}`)
}

/** Paths under a folder, from there on; none when it is not there. */
async function filesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true })
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
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
