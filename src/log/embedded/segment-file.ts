/** The file of a segment, which LMDB opens only after it was looked through. */
import { rmSync } from 'node:fs'
import { open as openLmdb, type RootDatabase } from 'lmdb'
import {
  checkLmdbFile,
  messageOf,
  PipelineError,
  readFirstEntry,
  refuseWithoutDescriptors,
} from '../../core/index.ts'
import { isKey } from './batch-key.ts'

/** Key of the segment's header: the lowest. */
export const headerKey = Buffer.from([0])

/** Open a file whose pages are as they were written, or one that is not there yet. @throws LOG_FAILED */
export function openDatabase(path: string): RootDatabase<Buffer, Buffer> {
  named(path, refuseWithoutDescriptors)
  return openLmdb<Buffer, Buffer>({
    path,
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  })
}

/**
 * Walk through a segment: its pages, and every key. Batches are checked when they are read.
 *
 * @returns false when its making was cut off: there is nothing in it
 * @throws LOG_DAMAGED, LOG_FAILED
 */
export function checkSegmentFile(path: string): boolean {
  return named(path, () =>
    checkLmdbFile(path, (key) => {
      if (isKey(key) || key.equals(headerKey)) return
      throw new Error(`the key ${key.toString('hex')} does not match its checksum`)
    }),
  )
}

/**
 * The stored header of a segment, without looking at anything else in it; undefined when there is none.
 *
 * @throws LOG_DAMAGED, LOG_FAILED
 */
export function readStoredHeader(path: string): Buffer | undefined {
  const first = named(path, () => readFirstEntry(path))
  return first?.key.equals(headerKey) ? first.value : undefined
}

export function removeSegmentFile(path: string): void {
  for (const file of [path, `${path}-lock`]) rmSync(file, { force: true })
}

function named<T>(path: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    // What cannot be read now may be as it was written.
    const isUnread = error instanceof Error && 'syscall' in error
    const code = isUnread ? 'LOG_FAILED' : 'LOG_DAMAGED'
    throw new PipelineError(code, `the segment ${path}: ${messageOf(error)}`, { cause: error })
  }
}
