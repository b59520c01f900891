/**
 * Loaded into the platform before anything else: while a file named `stuck-lake` lies in the folder that
 * PINFLOW_TEST_FOLDER names (`stuck-log`), nothing is written to the lake (the log) and nothing fails.
 */
import { existsSync } from 'node:fs'
import files from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const folder = process.env.OVERLOAD_FOLDER
if (folder !== undefined) {
  const whileThere = async (name: string) => {
    while (existsSync(join(folder, name))) await sleep(20)
  }
  const { open } = files
  files.open = async (path, ...rest) => {
    if (String(path).includes('/lake/')) await whileThere('stuck-lake')
    return open(path, ...rest)
  }
  syncBuiltinESMExports()
  const { Segment } = await import('../../../src/log/embedded/segment.ts')
  const { put } = Segment.prototype
  Segment.prototype.put = async function (...batch) {
    await whileThere('stuck-log')
    return put.apply(this, batch)
  }
}
