import type { FileHandle } from 'node:fs/promises'

const chunkBytes = 65_536
const lineFeed = 0x0a

/**
 * Lines of a file from where it stands, in order, without their line feed; the last may lack one. Holds one line and
 * one chunk in memory.
 *
 * @returns undefined for a line above `bytesMax`
 */
export async function* readLines(
  file: FileHandle,
  bytesMax: number,
): AsyncGenerator<Buffer | undefined, undefined> {
  let pieces: Buffer[] = []
  let bytes = 0
  const line = () => (bytes > bytesMax ? undefined : pieces.length === 1 ? pieces[0] : Buffer.concat(pieces))
  for (;;) {
    // A new buffer each time: lines given out are slices of it.
    const buffer = Buffer.allocUnsafe(chunkBytes)
    const { bytesRead } = await file.read(buffer, 0, chunkBytes)
    if (bytesRead === 0) break
    for (let start = 0; start < bytesRead; ) {
      const found = buffer.subarray(0, bytesRead).indexOf(lineFeed, start)
      const end = found === -1 ? bytesRead : found
      bytes += end - start
      if (bytes > bytesMax) pieces = []
      else pieces.push(buffer.subarray(start, end))
      start = end + 1
      if (found === -1) continue
      yield line()
      pieces = []
      bytes = 0
    }
  }
  if (bytes > 0) yield line()
  return undefined
}
