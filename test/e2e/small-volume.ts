import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch, type Started, start, started } from './pinflow.ts'

const mebibyte = 2 ** 20

/** A running platform whose data folder can be filled up. */
export interface SmallVolume {
  server: Started
  data: string
  /** Commands that go before `node` for a process that is to see the folder. */
  before: readonly string[]
  /** Leave so many bytes for the platform. */
  leave(bytes: number): void
  /** Give all space back. */
  free(): void
  remove(): Promise<void>
}

const namespaces = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount']
/** A file system of its own that nobody else sees, and that is gone with its process. */
const mounting = (folder: string) => [
  'unshare',
  ...namespaces,
  'sh',
  '-c',
  'mount -t tmpfs -o size=40m tmpfs "$0" && exec "$@"',
  folder,
]

/** Whether this machine lets a process mount a file system for itself. */
export function canMount(): boolean {
  const [command, ...args] = [...mounting(tmpdir()), 'true']
  return spawnSync(command!, args).status === 0
}

/** A volume of 40 MiB, used to its last byte. */
export async function mountedVolume(): Promise<SmallVolume> {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-volume-'))
  const data = join(folder, 'data')
  const ports = ['--gateway-port', '0', '--api-port', '0']
  const env = { PINFLOW_LOG_FREE_BYTES_MIN: '0' }
  const child = launch(['start', '--json', '--data', data, ...ports], { env, before: mounting(folder) })
  const server = await started(child)
  // Seen from outside.
  const volume = `/proc/${child.pid}/root${folder}`
  const enter = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--preserve-credentials', '--mount']
  return {
    server,
    data,
    before: ['nsenter', '--target', String(child.pid), ...enter],
    leave: (bytes) => fill(join(volume, 'filler'), freeBytes(volume) - bytes),
    free: () => rmSync(join(volume, 'filler')),
    remove: () => rm(folder, { recursive: true }),
  }
}

/** The volume of the temporary folder, of which the log leaves nearly everything free: full at its reserve. */
export async function reservedVolume(): Promise<SmallVolume> {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-volume-'))
  const data = join(folder, 'data')
  const reserve = freeBytes(folder) - 96 * mebibyte
  const server = await start(['--data', data], { env: { PINFLOW_LOG_FREE_BYTES_MIN: String(reserve) } })
  return {
    server,
    data,
    before: [],
    leave: (bytes) => fill(join(folder, 'filler'), freeBytes(folder) - reserve - bytes),
    free: () => rmSync(join(folder, 'filler')),
    remove: () => rm(folder, { recursive: true }),
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Make a file longer, as far as there is room. */
function fill(path: string, bytes: number): void {
  const file = openSync(path, 'a')
  const piece = Buffer.alloc(64 * 1024, 1)
  try {
    for (let left = bytes; left > 0; ) left -= writeSync(file, piece, 0, Math.min(left, piece.length))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}
