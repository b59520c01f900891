import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  bodyBytesKept,
  type KeptRefusal,
  keptOf,
  parseRefusal,
  type RefusalTotal,
  type Refused,
} from './refusal.ts'

export interface RefusalBookOptions {
  /** Of each of the two files. Default 8 MiB. */
  fileBytesMax?: number
  /** What waits to be written; beyond it refusals are counted only. Default 256. */
  waitingMax?: number
}

/** How long a refusal waits to be written at most. */
const flushMs = 250

/**
 * Keeps what front doors refuse, off the way of their answers: `note` counts, and puts a copy of the beginning of the body
 * into a short queue, which is written four times a second. When there is more than that, or the disk takes nothing, the
 * refusal is counted only. Never throws, and never makes anybody wait.
 */
export class RefusalBook {
  readonly #folder: string
  readonly #fileBytesMax: number
  readonly #waitingMax: number
  readonly #totals = new Map<string, RefusalTotal>()
  #notKept = 0
  #waiting: Refused[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  private constructor(folder: string, { fileBytesMax = 8 * 2 ** 20, waitingMax = 256 }: RefusalBookOptions) {
    this.#folder = folder
    this.#fileBytesMax = fileBytesMax
    this.#waitingMax = waitingMax
  }

  /** Makes nothing before there is something to keep. */
  static async open(folder: string, options: RefusalBookOptions = {}): Promise<RefusalBook> {
    const book = new RefusalBook(folder, options)
    await book.#readTotals()
    return book
  }

  note(refused: Refused): void {
    const { door, status, code, records = 0 } = refused
    const key = `${door} ${status} ${code ?? ''}`
    const total = this.#totals.get(key)
    if (total) {
      total.refusals++
      total.records += records
    } else {
      this.#totals.set(key, { door, status, ...(code !== undefined && { code }), refusals: 1, records })
    }
    if (this.#waiting.length < this.#waitingMax) {
      const { body } = refused
      // A slice would keep the whole body in memory.
      this.#waiting.push(body ? { ...refused, body: Buffer.from(body.subarray(0, bodyBytesKept)) } : refused)
    } else this.#notKept++
    this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref()
  }

  /** How many there were of each kind, most first; and how many were counted only since this process began. */
  totals(): { kinds: RefusalTotal[]; notKept: number } {
    const kinds = [...this.#totals.values()].map((total) => ({ ...total }))
    return { kinds: kinds.sort((a, b) => b.refusals - a.refusals), notKept: this.#notKept }
  }

  /** What is kept, newest first. */
  async newest(limit = Number.POSITIVE_INFINITY): Promise<KeptRefusal[]> {
    await this.flush()
    const kept: KeptRefusal[] = []
    for (const name of [newFile, oldFile]) {
      const lines = (await this.#read(name)).split('\n').reverse()
      for (const line of lines) {
        if (kept.length >= limit) return kept
        const refusal = line === '' ? undefined : parseRefusal(line)
        if (refusal) kept.push(refusal)
      }
    }
    return kept
  }

  /** Write what waits. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async close(): Promise<void> {
    await this.flush()
  }

  async #write(): Promise<void> {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    const content = Buffer.from(waiting.map((refused) => `${JSON.stringify(keptOf(refused))}\n`).join(''))
    try {
      await mkdir(this.#folder, { recursive: true })
      await this.#append(content)
      await this.#writeTotals()
    } catch {
      // A full disk, or a folder that went away: they were counted.
      this.#notKept += waiting.length
    }
  }

  async #append(content: Buffer): Promise<void> {
    const path = join(this.#folder, newFile)
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    )
    if (size > 0 && size + content.length > this.#fileBytesMax)
      await rename(path, join(this.#folder, oldFile))
    const file = await open(path, 'a')
    try {
      await file.writeFile(content)
    } finally {
      await file.close()
    }
  }

  async #writeTotals(): Promise<void> {
    const path = join(this.#folder, totalsFile)
    await writeFile(`${path}~`, JSON.stringify([...this.#totals.values()]))
    await rename(`${path}~`, path)
  }

  async #readTotals(): Promise<void> {
    try {
      const totals = JSON.parse(await this.#read(totalsFile)) as RefusalTotal[]
      for (const { door, status, code, refusals, records } of totals) {
        if (typeof door !== 'string' || ![status, refusals, records].every(Number.isSafeInteger)) continue
        const total = { door, status, ...(code !== undefined && { code }), refusals, records }
        this.#totals.set(`${door} ${status} ${code ?? ''}`, total)
      }
    } catch {
      // There are none, or they cannot be read: counting begins anew.
    }
  }

  async #read(name: string): Promise<string> {
    try {
      return await readFile(join(this.#folder, name), 'utf8')
    } catch {
      return ''
    }
  }
}

const newFile = 'refusals.ndjson'
const oldFile = 'before.ndjson'
const totalsFile = 'totals.json'
