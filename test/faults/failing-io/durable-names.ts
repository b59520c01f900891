import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FailingCalls, type Kind } from './failing-calls.ts'
import { FailingFs } from './failing-fs.ts'

/** A name means this file: another one that is put in its place is not durable yet. */
type Names = Map<string, number>

/**
 * Watches what a process makes below a folder: a name is on disk once its folder was flushed after the name was given,
 * and gone once it was flushed after the name was taken away. Nothing fails.
 */
export class DurableNames extends FailingCalls {
  readonly #root: string
  readonly #fs: FailingFs
  /** What each folder held when it was flushed last, by path from the root. */
  readonly #flushed = new Map<string, Names>()
  #isLooking = false

  /** @param root exists, and is durable */
  constructor(root: string) {
    super()
    this.#root = root
    this.#fs = new FailingFs(this, root)
  }

  install(): void {
    this.#fs.install()
  }

  uninstall(): void {
    this.#fs.uninstall()
  }

  override next(name: string, _kind: Kind, path: string): undefined {
    if (this.#isLooking || name !== 'fsync') return
    const found = this.#namesOf(path)
    if (found) this.#flushed.set(path.replace(/(?<=.)\/$/, ''), found)
  }

  /** Names that a power cut may take away, by path from the root; below one that is not durable no other is told. */
  unflushed(isOfNoUse: (name: string) => boolean = () => false, folder = '/'): string[] {
    const durable = this.#flushed.get(folder)
    return [...(this.#namesOf(folder) ?? [])].flatMap(([name, file]) => {
      if (isOfNoUse(name)) return []
      const path = join(folder, name)
      return durable?.get(name) === file ? this.unflushed(isOfNoUse, path) : [path]
    })
  }

  /** Names in a folder that are gone, and that a power cut may bring back. */
  undead(folder: string): string[] {
    const there = this.#namesOf(folder)
    return [...(this.#flushed.get(folder)?.keys() ?? [])].filter((name) => !there?.has(name))
  }

  /** @returns undefined for what is no folder */
  #namesOf(folder: string): Names | undefined {
    this.#isLooking = true
    try {
      const path = join(this.#root, folder)
      if (!statSync(path).isDirectory()) return undefined
      return new Map(readdirSync(path).map((name) => [name, statSync(join(path, name)).ino]))
    } finally {
      this.#isLooking = false
    }
  }
}
