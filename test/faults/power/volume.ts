import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const imageBytes = 512 * 2 ** 20

/**
 * A file system of its own whose power can be cut: what was not flushed by then is gone, what was is there. Only
 * processes begun with `before` see it; when they and this one have ended, however, nothing of it is mounted.
 */
export class Volume {
  /** Where processes begun with `before` find it. */
  readonly path: string
  /** Where any process finds it. */
  readonly outside: string
  /** Commands that go before the one that is to see the volume; it dies with this process. */
  readonly before: readonly string[]
  readonly #folder: string
  readonly #holder: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(folder: string, holder: ChildProcess, answers: AsyncIterator<string>) {
    this.path = join(folder, 'volume')
    this.outside = `/proc/${holder.pid}/root${this.path}`
    this.before = ['nsenter', '--target', String(holder.pid), '--mount', 'setpriv', '--pdeathsig', 'KILL']
    this.#folder = folder
    this.#holder = holder
    this.#answers = answers
  }

  /** @param options of the mount, beside `loop` */
  static async open(options: string): Promise<Volume> {
    const folder = mkdtempSync(join(tmpdir(), 'pinflow-power-'))
    const image = join(folder, 'image')
    const path = join(folder, 'volume')
    mkdirSync(path)
    writeFileSync(image, '')
    truncateSync(image, imageBytes)
    const { status, stderr } = spawnSync('mkfs.ext4', ['-q', '-F', image], { encoding: 'utf8' })
    if (status !== 0) {
      rmSync(folder, { recursive: true })
      throw new Error(`mkfs.ext4: ${stderr}`)
    }
    const script = join(import.meta.dirname, 'volume.py')
    const holder = spawn('unshare', ['--mount', 'python3', script, image, path, options], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const volume = new Volume(
      folder,
      holder,
      createInterface({ input: holder.stdout })[Symbol.asyncIterator](),
    )
    try {
      await volume.#answer()
    } catch (error) {
      volume.closeNow()
      throw error
    }
    return volume
  }

  /** From the moment this is called on, nothing more is kept. */
  cut(): Promise<void> {
    return this.#tell('cut')
  }

  /** Give it power again; nobody has a file of it open. */
  remount(): Promise<void> {
    return this.#tell('remount')
  }

  /** Unmount and remove it; nobody has a file of it open. */
  async close(): Promise<void> {
    const ended = once(this.#holder, 'close')
    this.#holder.stdin?.end()
    await ended
    rmSync(this.#folder, { recursive: true })
  }

  /** The same without waiting, for a process that ends. */
  closeNow(): void {
    this.#holder.kill('SIGKILL')
    // The folder is empty for those outside.
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #tell(command: string): Promise<void> {
    this.#holder.stdin?.write(`${command}\n`)
    await this.#answer()
  }

  async #answer(): Promise<void> {
    const { done } = await this.#answers.next()
    if (done) throw new Error('the process that holds the volume has ended')
  }
}

/** Why volumes cannot be made here; undefined: they can. */
export async function whyNoVolume(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'mounting a volume needs Linux and root'
  const tools = ['mkfs.ext4', 'unshare', 'nsenter', 'setpriv', 'python3', 'mount']
  const missing = tools.filter((tool) => spawnSync('sh', ['-c', 'command -v "$0"', tool]).status !== 0)
  if (missing.length > 0) return `there is no ${missing.join(', ')}`
  try {
    const volume = await Volume.open('noatime')
    await volume.cut()
    await volume.close()
    return undefined
  } catch (error) {
    return `no volume can be mounted and cut here: ${error instanceof Error ? error.message : error}`
  }
}
