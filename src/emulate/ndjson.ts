import { isUtf8 } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError, messageOf, PipelineError, scan } from '../core/index.ts'
import type { Pipeline } from '../pipeline/index.ts'
import { readLines } from './lines.ts'
import type { Post } from './source.ts'

/** No door takes a larger body. */
const lineBytesMax = 16 * 1024 * 1024

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** @param line counted from 1 */
type OnSourceError = (file: string, line: number, message: string) => void

/**
 * The files `<dataset>.ndjson` of a folder: post n holds line n of each, as it stands. Files may differ in length, and
 * all but one may be missing. Blank lines hold no record; a line that cannot be posted (no JSON by grammar, no UTF-8,
 * above 16 MiB) is reported and left out; neither moves other lines to another post.
 *
 * @param options.posts how many lines of each file; default all
 * @throws SOURCE_UNREADABLE naming the file or the folder, while it is read
 */
export async function* ndjsonSource(
  pipeline: Pipeline,
  folder: string,
  options: { posts?: number; onSourceError: OnSourceError },
): AsyncGenerator<Post, void> {
  const { posts = Number.POSITIVE_INFINITY, onSourceError } = options
  const files = await openFiles(pipeline, folder)
  try {
    let ended = 0
    for (let post = 0; post < posts && ended < files.length; post++) {
      const records: { dataset: string; json: Buffer }[] = []
      ended = 0
      for (const file of files) {
        const { value: line, done } = await file.next()
        if (done) {
          ended++
          continue
        }
        const problem = problemOf(line, post + 1)
        if (problem !== undefined) onSourceError(file.path, post + 1, problem)
        else if (line !== undefined && !isBlank(line)) records.push({ dataset: file.dataset, json: line })
      }
      if (records.length > 0) yield { post, records }
    }
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

async function openFiles(pipeline: Pipeline, folder: string): Promise<LineFile[]> {
  const files: LineFile[] = []
  try {
    for (const { name } of pipeline.datasets) {
      const path = join(folder, `${name}.ndjson`)
      const handle = await open(path).catch((thrown: unknown) => {
        if (isSystemError(thrown, 'ENOENT', 'ENOTDIR')) return undefined
        throw unreadable(path, thrown)
      })
      if (handle) files.push(new LineFile(name, path, handle))
    }
    if (files.length > 0) return files
    const names = pipeline.datasets.map(({ name }) => `${name}.ndjson`).join(', ')
    throw new PipelineError(
      'SOURCE_UNREADABLE',
      `${folder} does not exist, is no folder, or holds none of ${names}`,
    )
  } catch (thrown) {
    await Promise.all(files.map((file) => file.close()))
    throw thrown
  }
}

class LineFile {
  readonly dataset: string
  readonly path: string
  readonly #handle: FileHandle
  readonly #lines: ReturnType<typeof readLines>

  constructor(dataset: string, path: string, handle: FileHandle) {
    this.dataset = dataset
    this.path = path
    this.#handle = handle
    this.#lines = readLines(handle, lineBytesMax)
  }

  async next(): Promise<IteratorResult<Buffer | undefined, undefined>> {
    try {
      return await this.#lines.next()
    } catch (thrown) {
      throw unreadable(this.path, thrown)
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

function unreadable(path: string, thrown: unknown): PipelineError {
  return new PipelineError('SOURCE_UNREADABLE', `${path} cannot be read: ${messageOf(thrown)}`, {
    cause: thrown,
  })
}

/** Why a line cannot be posted. */
function problemOf(line: Buffer | undefined, number: number): string | undefined {
  if (line === undefined) return `the line is above ${lineBytesMax} bytes`
  if (isBlank(line)) return undefined
  if (!isUtf8(line)) return 'the line is not UTF-8'
  if (number === 1 && line.indexOf(byteOrderMark) === 0) {
    return 'the file begins with a byte order mark, which JSON has not: save it without'
  }
  const text = scan(line)
  return text.ok ? undefined : `the line is not JSON: ${text.message} (byte ${text.at})`
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}
