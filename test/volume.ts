import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Volume {
  path: string
  remove(): void
}

/**
 * A small volume in memory.
 *
 * @param options of the tmpfs, as `size=16m`
 * @returns undefined where mounting is not allowed, which is said
 */
export function mountVolume(options: string): Volume | undefined {
  const path = mkdtempSync(join(tmpdir(), 'volume-'))
  const sh = (command: string) => spawnSync('sh', ['-c', command, path, options])
  if (sh('mount -t tmpfs -o "$1" tmpfs "$0"').status !== 0) {
    rmdirSync(path)
    console.warn('not run: a full volume (mounting one needs root)')
    return undefined
  }
  return {
    path,
    remove: () => {
      sh('umount "$0"')
      rmdirSync(path)
    },
  }
}
