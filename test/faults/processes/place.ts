import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** `memory`: a small tmpfs. `disk`: a small ext4 in a file, which can also turn read-only while files are open. */
export type PlaceKind = 'folder' | 'memory' | 'disk'

const volumeMebibytes = 320

/**
 * Where a data folder lies: a folder, or a volume of its own, which only processes begun with `before` see, and which
 * is gone with the last of them and with this process.
 */
export class Place {
  readonly kind: PlaceKind
  /** The data folder for processes begun with `before`. */
  readonly data: string
  /** The same for any process. */
  readonly outside: string
  /** Commands that go before the one that is to see the folder; it dies with this process. */
  readonly before: readonly string[]
  /** A folder for files beside the data, on no volume of its own. */
  readonly beside: string
  readonly #holder: ChildProcess | undefined

  private constructor(kind: PlaceKind, folder: string, holder?: ChildProcess) {
    const volume = join(folder, 'volume')
    this.kind = kind
    this.beside = folder
    this.data = join(volume, 'data')
    this.#holder = holder
    const seen = holder ? `/proc/${holder.pid}/root${volume}` : volume
    this.outside = join(seen, 'data')
    this.before = holder
      ? ['nsenter', '--target', String(holder.pid), '--mount', 'setpriv', '--pdeathsig', 'KILL']
      : []
  }

  static readonly #folders = new Set<string>()

  static async open(kind: PlaceKind): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'pinflow-processes-'))
    Place.#folders.add(folder)
    mkdirSync(join(folder, 'volume'))
    if (kind === 'folder') return new Place(kind, folder)
    // `cat` ends with its input, and so with this process.
    const holder = spawn('unshare', ['--mount', 'sh', '-ec', mounting[kind], folder], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stderr = ''
    holder.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk
    })
    const [ready] = (await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')])) as [unknown]
    if (Buffer.isBuffer(ready)) return new Place(kind, folder, holder)
    await rm(folder, { recursive: true, force: true })
    throw new Error(`no volume can be mounted: ${stderr.trim()}`)
  }

  /** Leave no space, until `free`. */
  fill(): void {
    const file = openSync(this.#filler, 'a')
    const piece = Buffer.alloc(64 * 1024, 1)
    try {
      for (;;) writeSync(file, piece)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true })
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(join(this.outside, '..'))
    return bavail * bsize
  }

  /** Nobody has a file of it open for writing. */
  remount(mode: 'ro' | 'rw'): void {
    this.#inside('mount', '-o', `remount,${mode}`, join(this.beside, 'volume'))
  }

  /** Let the file system of a `disk` find an error in itself: it is read-only from now on, whoever has files open. */
  failSystem(): void {
    this.#inside(
      'sh',
      '-ec',
      `${findDevice} echo 1 > "/sys/fs/ext4/\${device#/dev/}/trigger_fs_error"`,
      this.#volume,
    )
  }

  /** Mount a `disk` anew; nobody has a file of it open. */
  mountAnew(): void {
    const script = `umount "$0/volume"; ${mountImage}`
    this.#inside('sh', '-ec', script, this.beside)
  }

  /** Without waiting, for a process that ends, when those that used a place have ended. */
  static removeAll(): void {
    // Their volumes are seen by nobody outside.
    for (const folder of Place.#folders) rmSync(folder, { recursive: true, force: true })
  }

  async close(): Promise<void> {
    if (this.#holder) {
      const ended = once(this.#holder, 'close')
      this.#holder.stdin?.end()
      await ended
    }
    await rm(this.beside, { recursive: true, force: true })
  }

  get #volume(): string {
    return join(this.beside, 'volume')
  }

  get #filler(): string {
    return join(this.outside, '..', 'filler')
  }

  #inside(command: string, ...args: string[]): void {
    const [enter = '', ...before] = this.before
    const { status, stderr } = spawnSync(enter, [...before, command, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  }
}

const mountImage = 'mount -o loop,errors=remount-ro,noatime "$0/memory/image" "$0/volume"'

const findDevice = 'device=$(findmnt -no SOURCE "$0");'

const mounting = {
  memory: `mount -t tmpfs -o size=${volumeMebibytes}m tmpfs "$0/volume"; echo ready; exec cat`,
  // The file lies in memory: what this proves does not depend on the speed of a disk.
  disk: `mkdir "$0/memory"; mount -t tmpfs tmpfs "$0/memory"; truncate -s ${volumeMebibytes}m "$0/memory/image"; mkfs.ext4 -q -F "$0/memory/image"; ${mountImage}; echo ready; exec cat`,
}

/** Why there can be no such place here; undefined: there can. */
export async function whyNot(kind: PlaceKind): Promise<string | undefined> {
  if (kind === 'folder') return undefined
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'mounting a volume needs Linux and root'
  const place = await Place.open(kind).catch((error: Error) => error)
  if (place instanceof Error) return place.message
  await place.close()
  return undefined
}
