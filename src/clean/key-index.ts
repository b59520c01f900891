/**
 * The keys of a data table with a hash of their rows: what tells a repeat. An LMDB file beside the tables, and only a
 * cache: it holds the table's id, generation and version that it matches, written with the keys after each commit of
 * the table, and is made again from the table wherever they do not match.
 *
 *     key `00`                    the state, JSON: { tableId, generation, version }
 *     key `01` + key text                 the 32-byte hash of the row
 *     key `02` + SHA-256 of the key text  the same, where the text is longer than 500 bytes
 */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { open as openLmdb, type RootDatabase } from 'lmdb'

export interface KeyIndexState {
  tableId: string
  generation: number
  version: number
}

const stateKey = Buffer.from([0])
const keyTextMax = 500

export class KeyIndex {
  readonly path: string
  readonly #database: RootDatabase<Buffer, Buffer>
  #closing: Promise<void> | undefined

  constructor(path: string) {
    this.path = path
    this.#database = openLmdb<Buffer, Buffer>({
      path,
      noSubdir: true,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
    })
  }

  get state(): KeyIndexState | undefined {
    const stored = this.#database.get(stateKey)
    return stored && (JSON.parse(stored.toString()) as KeyIndexState)
  }

  /** Hash (hexadecimal) of the row with this key. */
  get(key: string): string | undefined {
    return this.#database.get(encodeKey(key))?.toString('hex')
  }

  /** Add or replace keys, and with `state` say what the index now matches; all of it or nothing. */
  async write(entries: Iterable<readonly [key: string, hash: string]>, state?: KeyIndexState): Promise<void> {
    await this.#database.transaction(() => {
      for (const [key, hash] of entries) this.#database.putSync(encodeKey(key), Buffer.from(hash, 'hex'))
      if (state) this.#database.putSync(stateKey, Buffer.from(JSON.stringify(state)))
    })
  }

  async clear(): Promise<void> {
    await this.#database.clearAsync()
  }

  close(): Promise<void> {
    this.#closing ??= this.#database.close()
    return this.#closing
  }

  async drop(): Promise<void> {
    await this.close()
    for (const file of [this.path, `${this.path}-lock`]) await rm(file, { force: true })
  }
}

function encodeKey(key: string): Buffer {
  const text = Buffer.from(key)
  if (text.length <= keyTextMax) return Buffer.concat([Buffer.from([1]), text])
  return Buffer.concat([Buffer.from([2]), createHash('sha256').update(text).digest()])
}
