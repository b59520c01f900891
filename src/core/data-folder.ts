/**
 * A data folder and its owner.
 *
 *     pinflow.json    { format, createdMs }: which versions can read the folder; put once
 *     lock            an SQLite database; its owner holds an exclusive transaction for life, which the kernel frees
 *                     when the process dies, however it dies (a file with a process id would lie)
 *     server.json     { apiUrl, gatewayUrl, token, pid } of the owner, readable by its user alone; a hint
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isSystemError, messageOf, PipelineError } from './errors.ts'
import { LocalObjectStore, syncPath } from './object-store/local.ts'

const format = 1
const formatFile = 'pinflow.json'

/** How to reach the process that owns a folder. */
export interface Owner {
  apiUrl: string
  gatewayUrl: string
  token: string
  pid: number
}

export class DataFolder {
  readonly root: string
  readonly #lock: DatabaseSync

  private constructor(root: string, lock: DatabaseSync) {
    this.root = root
    this.#lock = lock
  }

  /**
   * Make the folder where it is missing, and own it until `close`.
   *
   * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_NEWER (then nothing was touched), DATA_FOLDER_UNUSABLE
   */
  static async open(path: string): Promise<DataFolder> {
    const root = resolve(path)
    try {
      const made = await mkdir(root, { recursive: true })
      if (made !== undefined) await syncPath(resolve(made, '..'))
      await refuseNewer(root)
      const lock = lockFolder(root)
      if (!lock) throw new PipelineError('DATA_FOLDER_IN_USE', `${root} is in use${await byWhom(root)}`)
      const content = Buffer.from(`${JSON.stringify({ format, createdMs: Date.now() })}\n`)
      await new LocalObjectStore(root).putIfAbsent(formatFile, content)
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
    const lock = lockFolder(root)
    lock?.close()
    return lock ? undefined : readOwner(root)
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

  async close(): Promise<void> {
    await rm(this.path('server.json'), { force: true })
    this.#lock.close()
  }
}

async function refuseNewer(root: string): Promise<void> {
  let content: string
  try {
    content = await readFile(join(root, formatFile), 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return
    throw error
  }
  const found = (JSON.parse(content) as { format?: unknown }).format
  if (found === format) return
  throw new PipelineError(
    'DATA_FOLDER_NEWER',
    `${root} has format ${found}, this version reads format ${format}`,
  )
}

/** @returns undefined when another process holds the lock */
function lockFolder(root: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(join(root, 'lock'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (/locked|busy/i.test(messageOf(error))) return undefined
    throw error
  }
}

async function readOwner(root: string): Promise<Owner | undefined> {
  const content = await readFile(join(root, 'server.json'), 'utf8').catch(() => undefined)
  return content === undefined ? undefined : (JSON.parse(content) as Owner)
}

async function byWhom(root: string): Promise<string> {
  const owner = await readOwner(root)
  return owner ? ` by process ${owner.pid} (${owner.apiUrl})` : ''
}
