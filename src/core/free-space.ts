import { statfsSync } from 'node:fs'

/**
 * Bytes that a process may still write on the volume of a folder.
 *
 * Ask before a write into LMDB: where the volume has no space, lmdb-js 3.5 puts a longer complaint than fits into a
 * buffer of 100 bytes (`mdb_page_flush`), which now and then ends the process.
 */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
