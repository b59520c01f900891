import { type FileHandle, open } from 'node:fs/promises'
import type { EpochRecord } from '../lake/index.ts'
import { type Preparer, preparedLine } from './prepare.ts'
import type { Bad } from './reason.ts'

/** What came of the records of a group before any SQL; those that may become rows are lines of a file. */
export interface PreparedGroup {
  records: number
  lines: number
  lineBytesMax: number
  /** Records whose object was found inside a JSON string, or in base64. */
  unwrapped: number
  /** Bad records by their place. */
  bad: Map<number, Bad>
}

const pieceBytes = 2 ** 18

/** Judge records piece by piece, and write the good ones to a file, which must not be there; none is kept in memory. */
export async function prepareGroup(
  pieces: AsyncIterable<readonly EpochRecord[]>,
  preparer: Preparer,
  path: string,
): Promise<PreparedGroup> {
  const group: PreparedGroup = { records: 0, lines: 0, lineBytesMax: 0, unwrapped: 0, bad: new Map() }
  const file = await open(path, 'wx')
  try {
    const writer = new TextWriter(file, 'latin1')
    for await (const records of pieces) {
      for (const { value } of records) {
        const prepared = preparer.prepare(value)
        const place = group.records++
        if (prepared.unwrapped) group.unwrapped++
        if (prepared.bad) {
          group.bad.set(place, prepared.bad)
          continue
        }
        // One character a byte.
        const line = preparedLine(place, prepared.row.fields)
        group.lines++
        group.lineBytesMax = Math.max(group.lineBytesMax, line.length)
        const full = writer.add(line)
        if (full) await full
      }
    }
    await writer.flush()
  } finally {
    await file.close()
  }
  return group
}

/** Writes texts to a file in pieces of a useful size. */
export class TextWriter {
  readonly #file: FileHandle
  readonly #encoding: BufferEncoding
  #waiting: string[] = []
  #length = 0

  constructor(file: FileHandle, encoding: BufferEncoding) {
    this.#file = file
    this.#encoding = encoding
  }

  /** Undefined while nothing has to be waited for. */
  add(text: string): Promise<void> | undefined {
    this.#waiting.push(text)
    this.#length += text.length
    return this.#length >= pieceBytes ? this.flush() : undefined
  }

  async flush(): Promise<void> {
    const piece = Buffer.from(this.#waiting.join(''), this.#encoding)
    this.#waiting = []
    this.#length = 0
    await this.#file.writeFile(piece)
  }
}
