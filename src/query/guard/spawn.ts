/**
 * How a query process is started: nothing of the platform's environment, an empty folder to work in, and, on Linux, no
 * more private memory than its limit (`ulimit -d`), which holds for what the SQL engine does not count as well. Other
 * systems have no such limit that works; there the engine's own, and the deadline, are all.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { devNull } from 'node:os'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Rows on their way out, and little else. */
const heapMiB = 64
/** What a process has mapped once it is ready, besides the room that V8 keeps for code: stacks, heap, libraries. */
const readyBytes = 160 * 2 ** 20

/** This file's neighbour, as source or compiled. */
const child = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url))

/** @param growthBytes how much private memory it may map once it is ready */
export function spawnChild(folder: string, growthBytes: number): ChildProcess {
  const node = [`--max-old-space-size=${heapMiB}`, '--no-warnings', child]
  const isLinux = process.platform === 'linux'
  const [command, args] = isLinux
    ? ['/bin/sh', ['-c', limits(growthBytes), process.execPath, ...node]]
    : [process.execPath, node]
  const nothing = openSync(devNull, 'r')
  try {
    return spawn(command, args, {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...(isLinux ? inPlaceOfHeld(nothing) : [])],
      // Ctrl-C in a terminal is for the platform, which then ends it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
  } finally {
    closeSync(nothing)
  }
}

/** No core dumps: they would hold rows. */
function limits(growthBytes: number): string {
  const dataBytes = codeBytes() + readyBytes + growthBytes
  return `ulimit -c 0; ulimit -d ${Math.ceil(dataBytes / 1024)} 2>/dev/null; exec "$0" "$@"`
}

/**
 * Nothing, in place of each file that a program started here would go on holding open: LMDB opens its own that way, to
 * write, and a dropped segment of the log would keep its space.
 *
 * @param nothing an open file that holds nothing
 * @returns from the fourth on
 */
function inPlaceOfHeld(nothing: number): (number | 'ignore')[] {
  const held = new Set(readdirSync('/proc/self/fd').map(Number).filter(isInherited))
  const length = Math.max(0, Math.max(0, ...held) - 3)
  return Array.from({ length }, (_, at) => (held.has(at + 4) ? nothing : 'ignore'))
}

function isInherited(file: number): boolean {
  const closesOnExec = 0o2000000
  try {
    const [, flags = '0'] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'utf8')) ?? []
    return (Number.parseInt(flags, 8) & closesOnExec) === 0
  } catch {
    // Closed meanwhile, as the one that listed them is.
    return false
  }
}

/** V8 maps the whole range in which it may put code, half a gigabyte on some machines: as much as it did here. */
function codeBytes(): number {
  const maps = readFileSync('/proc/self/maps', 'utf8')
  return [...maps.matchAll(/^(\w+)-(\w+) rwxp 0+ 00:00 0 *$/gm)]
    .map(([, from, to]) => Number(`0x${to}`) - Number(`0x${from}`))
    .reduce((sum, bytes) => sum + bytes, 0)
}

function environment(): NodeJS.ProcessEnv {
  const compiled = module.getCompileCacheDir?.()
  return {
    TZ: 'UTC',
    MALLOC_ARENA_MAX: '2',
    ...(compiled !== undefined && { NODE_COMPILE_CACHE: compiled }),
    // Windows starts no program without.
    ...(process.platform === 'win32' && { SystemRoot: process.env.SystemRoot }),
  }
}
