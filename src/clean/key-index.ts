/**
 * The keys of a data table with a hash of their rows: what tells a repeat. An LMDB file beside the tables, and only a
 * cache: it holds the table's id, generation, version and commit that it matches, written with the keys after each commit of
 * the table, and is made again from the table wherever they do not match.
 *
 * Each value ends with the CRC-32 (IEEE, little-endian) of its key and of what stands before. A file that is not as it
 * was written is deleted when it is opened.
 *
 *     key `00`                    the state, JSON: { tableId, generation, version, commit }
 *     key `01` + key text                 the 32-byte hash of the row
 *     key `02` + SHA-256 of the key text  the same, where the text is longer than 500 bytes
 */
import { createHash } from 'node:crypto'
import { existsSync, rmSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { open as openLmdb, type RootDatabase } from 'lmdb'
import {
  checkLmdbFile,
  freeBytes,
  messageOf,
  PipelineError,
  refuseWithoutDescriptors,
} from '../core/index.ts'

export interface KeyIndexState {
  tableId: string
  generation: number
  version: number
  /** Id of the commit of that version: a copy of the table may have another. */
  commit: string | undefined
}

const stateKey = Buffer.from([0])
const hashBytes = 32
const sealBytes = 4
const keyTextMax = 500
const pageBytes = 4_096
/** The hash of the row, and what the tree adds to an entry. */
const entryBytes = 64
/** What a write needs beyond its entries, with room to spare. */
const spaceMin = 2 ** 20

export class KeyIndex {
  readonly path: string
  readonly #database: RootDatabase<Buffer, Buffer>
  #closing: Promise<void> | undefined

  /** What was wrong with the file that was there: it was deleted, and the index begins anew. */
  readonly damage: string | undefined

  /** @throws STORE_FAILED where nothing can be opened now; the file stays as it is */
  constructor(path: string) {
    this.path = path
    refuseUnlessOpenable(path)
    this.damage = damageOf(path)
    if (this.damage !== undefined) for (const file of filesOf(path)) rmSync(file, { force: true })
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
    return stored && (JSON.parse(stored.subarray(0, -sealBytes).toString()) as KeyIndexState)
  }

  /** Hash (hexadecimal) of the row with this key. */
  get(key: string): string | undefined {
    return this.#database.get(encodeKey(key))?.toString('hex', 0, hashBytes)
  }

  /**
   * Add or replace keys, and with `state` say what the index now matches; all of it or nothing.
   *
   * @throws STORE_FULL where the volume may not hold them
   */
  async write(entries: Iterable<readonly [key: string, hash: string]>, state?: KeyIndexState): Promise<void> {
    this.#refuseUnlessSpace(entries)
    await this.#database.transaction(() => {
      for (const [key, hash] of entries) this.#put(encodeKey(key), Buffer.from(hash, 'hex'))
      if (state) this.#put(stateKey, Buffer.from(JSON.stringify(state)))
    })
  }

  #put(key: Buffer, value: Buffer): void {
    this.#database.putSync(key, Buffer.concat([value, sealOf(key, value)]))
  }

  async clear(): Promise<void> {
    this.#refuseUnlessSpace([])
    await this.#database.clearAsync()
  }

  /** Pages are copied before they change: two for each entry at most, and no more than there are, half filled. */
  #refuseUnlessSpace(entries: Iterable<readonly [key: string, hash: string]>): void {
    let pages = 0
    let bytes = 0
    for (const [key] of entries) {
      pages += 2
      bytes += entryBytes + Math.min(Buffer.byteLength(key), keyTextMax)
    }
    const needed = spaceMin + Math.min(pages * pageBytes, statSync(this.path).size + 2 * bytes)
    const free = freeBytes(dirname(this.path))
    if (free >= needed) return
    const message = `the key index ${this.path} wants ${needed} bytes free on its volume, there are ${free}`
    throw new PipelineError('STORE_FULL', message)
  }

  close(): Promise<void> {
    this.#closing ??= this.#database.close()
    return this.#closing
  }

  async drop(): Promise<void> {
    await this.close()
    for (const file of filesOf(this.path)) await rm(file, { force: true })
  }
}

function refuseUnlessOpenable(path: string): void {
  try {
    refuseWithoutDescriptors()
  } catch (error) {
    const message = `the key index ${path} cannot be opened: ${messageOf(error)}`
    throw new PipelineError('STORE_FAILED', message, { cause: error })
  }
}

/** Why LMDB must not open a file; undefined when it may, or there is none. */
function damageOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  try {
    const isBegun = checkLmdbFile(path, (key, value = Buffer.alloc(0)) => {
      const sealed = value.subarray(0, -sealBytes)
      if (!value.subarray(sealed.length).equals(sealOf(key, sealed)))
        throw new Error(`the entry ${key.toString('hex')} does not match its checksum`)
    })
    return isBegun ? undefined : 'its making was cut off'
  } catch (error) {
    return messageOf(error)
  }
}

function sealOf(key: Buffer, value: Buffer): Buffer {
  const seal = Buffer.alloc(sealBytes)
  seal.writeUInt32LE(crc32(value, crc32(key)))
  return seal
}

function filesOf(path: string): string[] {
  return [path, `${path}-lock`]
}

function encodeKey(key: string): Buffer {
  const text = Buffer.from(key)
  if (text.length <= keyTextMax) return Buffer.concat([Buffer.from([1]), text])
  return Buffer.concat([Buffer.from([2]), createHash('sha256').update(text).digest()])
}
