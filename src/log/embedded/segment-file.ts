/**
 * The file of a segment, looked at before LMDB opens it: LMDB ends the process when it meets a file whose first two
 * pages (its *meta* pages) are broken, or one that ends before the pages they name.
 *
 *     page 0 and page 1, each:   18 u16 flags, 0x08 set    24 u32 0xBEEFC0DE    48 u32 page size
 *                                144 u64 last page         152 u64 transaction
 *
 * @see liblmdb/mdb.c, MDB_page and MDB_meta, in the package `lmdb`
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, rmSync } from 'node:fs'
import { PipelineError } from '../../core/index.ts'

const metaFlag = 0x08
const metaMagic = 0xbeefc0de
const metaBytes = 160
/** A new file has no more before its first transaction is on disk. */
const unbornBytesMax = 65_536

/**
 * Make sure that LMDB can open a file: a file shorter than it says is filled up with zeros, which no checksum matches.
 *
 * @returns false when its making was cut off: there is nothing in it
 * @throws LOG_DAMAGED
 */
export function checkSegmentFile(path: string): boolean {
  const file = openSync(path, 'r+')
  try {
    const { size } = fstatSync(file)
    if (size <= unbornBytesMax && isZero(readAt(file, 0, size))) return false
    const first = readMeta(file, 0)
    const second = first && readMeta(file, first.pageBytes)
    if (!first || !second) throw new PipelineError('LOG_DAMAGED', `${path} is damaged at its beginning`)
    const { lastPage, pageBytes } = second.transaction > first.transaction ? second : first
    const whole = (lastPage + 1) * pageBytes
    if (size < whole) ftruncateSync(file, whole)
    return true
  } finally {
    closeSync(file)
  }
}

export function removeSegmentFile(path: string): void {
  for (const file of [path, `${path}-lock`]) rmSync(file, { force: true })
}

interface Meta {
  pageBytes: number
  lastPage: number
  transaction: number
}

function readMeta(file: number, position: number): Meta | undefined {
  const meta = readAt(file, position, metaBytes)
  if (meta.length < metaBytes) return undefined
  if ((meta.readUInt16LE(18) & metaFlag) === 0 || meta.readUInt32LE(24) !== metaMagic) return undefined
  return {
    pageBytes: meta.readUInt32LE(48),
    lastPage: Number(meta.readBigUInt64LE(144)),
    transaction: Number(meta.readBigUInt64LE(152)),
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const content = Buffer.alloc(length)
  return content.subarray(0, readSync(file, content, 0, length, position))
}

function isZero(content: Buffer): boolean {
  return content.every((byte) => byte === 0)
}
