import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Files that a process left which died while it wrote: scratch, and puts that were not finished. */
export async function leftovers(root: string): Promise<{ files: number; bytes: number }> {
  const found: string[] = []
  for await (const file of filesOf(join(root, 'tmp'))) found.push(file)
  for (const folder of ['lake', 'tables', 'answers', 'log']) {
    for await (const file of filesOf(join(root, folder))) if (/\/\.put~[^/]*$/.test(file)) found.push(file)
  }
  let bytes = 0
  for (const file of found) bytes += (await stat(file).catch(() => ({ size: 0 }))).size
  return { files: found.length, bytes }
}

async function* filesOf(folder: string): AsyncGenerator<string> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesOf(path)
    else yield path
  }
}
