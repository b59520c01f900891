/**
 * A data folder and its owner.
 *
 *     pinflow.json    { format, createdMs }: which versions can read the folder; put once
 *     lock            an SQLite database; its owner holds an exclusive transaction for life, which the kernel frees
 *                     when the process dies, however it dies (a file with a process id would lie)
 *     server.json     { apiUrl, gatewayUrl, token, pid } of the owner, readable by its user alone; a hint
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isSystemError, messageOf, PipelineError } from './errors.ts'
import { LocalObjectStore, syncPath } from './object-store/local.ts'

const format = 1
const formatFile = 'pinflow.json'

/** Who only asks whether the lock is held holds it for an instant too. */
const lockTimeoutMs = 250

/** How to reach the process that owns a folder. */
export interface Owner {
  apiUrl: string
  gatewayUrl: string
  token: string
  pid: number
}

export class DataFolder {
  readonly root: string
  #lock: DatabaseSync | undefined

  private constructor(root: string, lock: DatabaseSync) {
    this.root = root
    this.#lock = lock
  }

  /**
   * Make the folder where it is missing, and own it until `close`.
   *
   * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_NEWER (then nothing was touched), DATA_FOLDER_UNUSABLE, also for a folder
   * that holds other things: scratch folders in it would be emptied
   */
  static async open(path: string): Promise<DataFolder> {
    const root = resolve(path)
    try {
      await makeFolder(root)
      if (!(await hasFormat(root))) await refuseForeign(root)
      const lock = lockFolder(root)
      if (!lock) throw new PipelineError('DATA_FOLDER_IN_USE', `${root} is in use${await byWhom(root)}`)
      try {
        // Whoever published it has died.
        await rm(join(root, 'server.json'), { force: true })
        const content = Buffer.from(`${JSON.stringify({ format, createdMs: Date.now() })}\n`)
        await new LocalObjectStore(root).putIfAbsent(formatFile, content)
      } catch (error) {
        lock.close()
        throw error
      }
      return new DataFolder(root, lock)
    } catch (error) {
      if (error instanceof PipelineError && error.code.startsWith('DATA_FOLDER')) throw error
      throw new PipelineError('DATA_FOLDER_UNUSABLE', `${root} cannot be used: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /** The process that owns a folder and says how to reach it; undefined when nobody does. */
  static async owner(path: string): Promise<Owner | undefined> {
    const root = resolve(path)
    if (!(await DataFolder.exists(root))) return undefined
    return isLocked(root) ? readOwner(root) : undefined
  }

  /** Whether a process owns a folder, and be it for the time of one command. */
  static async isOwned(path: string): Promise<boolean> {
    return (await DataFolder.exists(path)) && isLocked(resolve(path))
  }

  /** Whether a folder holds data. */
  static async exists(path: string): Promise<boolean> {
    return (await stat(join(resolve(path), formatFile)).catch(() => undefined))?.isFile() ?? false
  }

  /** A path below the folder. */
  path(name: string): string {
    return join(this.root, name)
  }

  /** Say how to reach this process. */
  async publish(owner: Owner): Promise<void> {
    const temporary = this.path(`server.json.${randomUUID()}`)
    await writeFile(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o600 })
    await rename(temporary, this.path('server.json'))
  }

  /** Let go of the folder. Further calls do nothing. @throws STORE_FAILED; the folder is let go of all the same */
  async close(): Promise<void> {
    const lock = this.#lock
    if (lock === undefined) return
    this.#lock = undefined
    try {
      await rm(this.path('server.json'), { force: true })
    } catch (error) {
      throw new PipelineError('STORE_FAILED', `server.json in ${this.root} stays: ${messageOf(error)}`, {
        cause: error,
      })
    } finally {
      lock.close()
    }
  }
}

/**
 * Make a folder and its parents where they are missing, each with its name on disk. (Node's own way to make parents
 * never ends in `/proc`.)
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return
    if (!isSystemError(error, 'ENOENT') || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await mkdir(path).catch((again: unknown) => {
      // Another process may have made it.
      if (!isSystemError(again, 'EEXIST')) throw again
    })
  }
  await syncPath(dirname(path))
}

/** @returns whether the folder has a format, which is ours */
async function hasFormat(root: string): Promise<boolean> {
  let content: string
  try {
    content = await readFile(join(root, formatFile), 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false
    throw error
  }
  const found = formatOf(content)
  if (found === format) return true
  if (typeof found !== 'number') throw new Error(`its ${formatFile} names no format`)
  throw new PipelineError(
    'DATA_FOLDER_NEWER',
    `${root} has format ${found}, this version reads format ${format}`,
  )
}

function formatOf(content: string): unknown {
  try {
    return (JSON.parse(content) as { format?: unknown } | null)?.format
  } catch {
    return undefined
  }
}

async function refuseForeign(root: string): Promise<void> {
  const ours = ['lock', formatFile, 'server.json', 'lost+found']
  const foreign = (await readdir(root)).find((name) => !name.startsWith('.') && !ours.includes(name))
  // Another process may have made it a data folder just now.
  if (foreign === undefined || (await hasFormat(root))) return
  throw new Error(`it holds ${foreign} and no ${formatFile}, so it is no data folder`)
}

/** @returns undefined when another process holds the lock */
function lockFolder(root: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(join(root, 'lock'), { timeout: lockTimeoutMs })
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

/** Reads where an owner would write, so that those who ask do not exclude one another, and nothing is touched. */
function isLocked(root: string): boolean {
  const path = join(root, 'lock')
  if (!existsSync(path)) return false
  const lock = new DatabaseSync(path)
  try {
    lock.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    lock.close()
  }
}

function isBusy(error: unknown): boolean {
  const sqliteBusy = 5
  return error instanceof Error && (error as { errcode?: number }).errcode === sqliteBusy
}

async function readOwner(root: string): Promise<Owner | undefined> {
  const content = await readFile(join(root, 'server.json'), 'utf8').catch(() => undefined)
  return content === undefined ? undefined : (JSON.parse(content) as Owner)
}

async function byWhom(root: string): Promise<string> {
  const owner = await readOwner(root)
  return owner ? ` by process ${owner.pid} (${owner.apiUrl})` : ''
}
