/**
 * The file of an LMDB database, looked at before LMDB opens it: its pages have no checksums, and LMDB follows what they
 * say, so that one flipped bit ends the process, or hides records. All numbers little-endian; a page is 4,096 bytes
 * or what its meta pages say.
 *
 *     a page      0 u64 its number   8 u64 transaction that wrote it   18 u16 flags: 1 branch, 2 leaf, 4 overflow, 8 meta
 *                 branch and leaf:   20 u16 lower   22 u16 upper   24 u16 offsets of the nodes, lower/2 of them;
 *                                    offsets, lower and upper are counted from byte 24; nodes fill upper to the end
 *                 overflow:          20 u32 number of pages   24 the value
 *     a node      0 u16, u16, u16 a branch's child page, or a leaf's u32 length of value and u16 flags: 1 overflow
 *                 6 u16 length of key   8 key, then a leaf's value, or u64 page, u64 transaction, u64 number of pages
 *     page 0, 1   24 u32 0xBEEFC0DE   28 u32 version   48 tree of free pages   96 tree of entries
 *                 144 u64 last page   152 u64 transaction; the meta page of a transaction is the one of its parity
 *     a tree      0 u32 page size (of free pages)   4 u16 flags   6 u16 depth   8 u64 branch pages   16 u64 leaf pages
 *                 24 u64 overflow pages   32 u64 entries   40 u64 root, all ones without one
 *     free pages  key u64 transaction; value u64 length, then i64 each: a page, 0 for nothing, or −n: the next is the
 *                 first of n
 *
 * @see liblmdb/mdb.c in the package `lmdb`, whose format differs from that of LMDB 0.9
 */
import { closeSync, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { isZero, readAt, uint64 } from './bytes.ts'
import { headerBytes, type OnEntry, type Snapshot, type Tree, TreeWalk } from './tree-walk.ts'

const metaMagic = 0xbeefc0de
const version = 2
const metaBytes = 168
const metaFlag = 8
/** In one file, with whole numbers as the keys of free pages. */
const freeTreeFlags = 0x4008
const noRoot = 0xffff_ffff_ffff_ffffn
/** A new file has no more before its first transaction is on disk. */
const unbornBytesMax = 65_536
/** Pages given out, never written and never freed may lie behind the end of a file; more are not believed. */
const pagesBehindEndMax = 1_024

/**
 * Walk all that LMDB may touch. Where the newest transaction is whole and only its number was changed, to that of the
 * one before the last, the number is put right: otherwise LMDB would go back behind it.
 *
 * @returns false when the file's making was cut off: there is nothing in it
 * @throws Error that names the page
 */
export function checkLmdbFile(path: string, onEntry: OnEntry = () => undefined): boolean {
  const file = openSync(path, 'r+')
  try {
    const { size } = fstatSync(file)
    if (size <= unbornBytesMax && isZero(readAt(file, 0, size))) return false
    const { newest, other } = readMetas(file)
    const hidden = hiddenTransaction(file, newest, other)
    checkSnapshot(file, hidden ?? newest, onEntry)
    if (hidden) unhide(file, hidden)
    return true
  } finally {
    closeSync(file)
  }
}

/**
 * The entry with the lowest key, without looking at more pages than lead to it; undefined where there is none.
 *
 * @throws Error that names the page
 */
export function readFirstEntry(path: string): { key: Buffer; value: Buffer } | undefined {
  const file = openSync(path, 'r')
  try {
    if (isZero(readAt(file, 0, Math.min(fstatSync(file).size, unbornBytesMax)))) return undefined
    const { newest } = readMetas(file)
    return new TreeWalk(walkOf(file, newest), () => undefined).first(newest.main)
  } finally {
    closeSync(file)
  }
}

interface Meta {
  place: number
  pageBytes: number
  lastPage: number
  transaction: number
  free: Tree
  main: Tree
}

function readMetas(file: number): { newest: Meta; other: Meta } {
  const first = readMeta(file, 0, 0)
  const second = readMeta(file, 1, first.pageBytes)
  if (second.pageBytes !== first.pageBytes)
    throw new Error('pages 0 and 1 do not agree on the size of a page')
  const [newest, other] = second.transaction > first.transaction ? [second, first] : [first, second]
  const { transaction, place } = newest
  const isNew = transaction === 0 && other.transaction === 0
  if (!isNew && (other.transaction !== transaction - 1 || transaction % 2 !== place))
    throw new Error(`pages 0 and 1 are of transactions ${first.transaction} and ${second.transaction}`)
  return { newest, other }
}

function readMeta(file: number, place: number, position: number): Meta {
  const meta = readAt(file, position, metaBytes)
  const broken = (what: string) => new Error(`page ${place} ${what}`)
  if (meta.length < metaBytes) throw broken('is missing')
  if (meta.readUInt16LE(18) !== metaFlag || meta.readUInt32LE(24) !== metaMagic)
    throw broken('does not begin an LMDB file')
  if (meta.readUInt32LE(28) !== version) throw broken('is of another version')
  const pageBytes = meta.readUInt32LE(48)
  if (![4_096, 8_192, 16_384, 32_768].includes(pageBytes)) throw broken('names an unknown size of pages')
  if (meta.readUInt16LE(52) !== freeTreeFlags || meta.readUInt16LE(100) !== 0)
    throw broken('has other flags than were written')
  const [free, main] = [treeOf(meta, 48), treeOf(meta, 96)]
  return { place, pageBytes, lastPage: uint64(meta, 144), transaction: uint64(meta, 152), free, main }
}

function treeOf(meta: Buffer, at: number): Tree {
  return {
    depth: meta.readUInt16LE(at + 6),
    branchPages: uint64(meta, at + 8),
    leafPages: uint64(meta, at + 16),
    overflowPages: uint64(meta, at + 24),
    entries: uint64(meta, at + 32),
    root: meta.readBigUInt64LE(at + 40) === noRoot ? undefined : uint64(meta, at + 40),
  }
}

/**
 * The newest transaction where its meta page says it is older: its root tells. A write of a meta page that failed
 * leaves the same; whether that transaction counts is open then.
 */
function hiddenTransaction(file: number, newest: Meta, other: Meta): Meta | undefined {
  const transaction = newest.transaction + 1
  if (rootTransaction(file, other) !== transaction) return undefined
  const lastPage = Math.max(
    newest.lastPage,
    other.lastPage,
    Math.ceil(fstatSync(file).size / other.pageBytes) - 1,
  )
  const hidden = { ...other, transaction, lastPage }
  try {
    checkSnapshot(file, hidden, () => undefined)
    return hidden
  } catch {
    // Cut off before it was whole: it never counted.
    return undefined
  }
}

function unhide(file: number, { place, pageBytes, lastPage, transaction }: Meta): void {
  const numbers = Buffer.alloc(16)
  numbers.writeBigUInt64LE(BigInt(lastPage), 0)
  numbers.writeBigUInt64LE(BigInt(transaction), 8)
  writeSync(file, numbers, 0, 16, place * pageBytes + 144)
  fsyncSync(file)
}

/** The transaction that wrote the newer of the two roots; 0 where there is none. */
function rootTransaction(file: number, { main, free, pageBytes }: Meta): number {
  const { size } = fstatSync(file)
  const written = [main, free].map(({ root }) => {
    if (root === undefined || (root + 1) * pageBytes > size) return 0
    return uint64(readAt(file, root * pageBytes, headerBytes), 8)
  })
  return Math.max(...written)
}

/** Both trees of a transaction, and that nothing is free that they use. */
function checkSnapshot(file: number, meta: Meta, onEntry: OnEntry): void {
  const { transaction, free, main } = meta
  if (rootTransaction(file, meta) !== transaction)
    throw new Error(`page ${meta.place} is of transaction ${transaction}, its trees are not`)
  const snapshot = walkOf(file, meta)
  new TreeWalk(snapshot, onEntry).walk(main)
  const lists: Buffer[] = []
  const onList: OnEntry = (key, value) => {
    const freedBy = uint64(key, 0)
    if (freedBy < 1 || freedBy > transaction) throw new Error(`transaction ${freedBy} has freed pages`)
    if (value) lists.push(value)
  }
  new TreeWalk(snapshot, onList, (value) => lists.push(value)).walk(free)
  for (const list of lists) markFree(list, snapshot.used)
}

/** No page is used yet, but for pages 0 and 1. */
function walkOf(file: number, { place, lastPage, pageBytes, transaction }: Meta): Snapshot {
  const pages = Math.ceil(fstatSync(file).size / pageBytes)
  if (lastPage < 1 || lastPage >= pages + pagesBehindEndMax)
    throw new Error(`page ${place} says that page ${lastPage} is the last, the file has ${pages}`)
  const used = new Uint8Array(lastPage + 1)
  used.fill(1, 0, 2)
  return { file, pageBytes, transaction, used }
}

function markFree(list: Buffer, used: Uint8Array): void {
  const length = list.length < 8 ? -1 : uint64(list, 0)
  if (length < 0 || (length + 1) * 8 > list.length) throw new Error('a list of free pages is cut off')
  for (let at = 8; at <= length * 8; at += 8) {
    const entry = list.readBigInt64LE(at)
    if (entry === 0n) continue
    const count = entry < 0n ? Number(-entry) : 1
    if (entry < 0n) at += 8
    const first = at <= length * 8 ? uint64(list, at) : 0
    if (first < 2 || first + count > used.length)
      throw new Error(`page ${first} is free, and not in the file`)
    for (let page = first; page < first + count; page++) {
      if (used[page]) throw new Error(`page ${page} is free, and in use`)
      used[page] = 1
    }
  }
}
