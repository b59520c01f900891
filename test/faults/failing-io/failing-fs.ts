/**
 * Makes `node:fs` fail below one folder. Named imports of it elsewhere follow. A flush that does not fail is counted
 * and not done: nothing here loses power, and only its errors matter.
 */
import fs from 'node:fs'
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import type { FailingCalls, Kind } from './failing-calls.ts'

type Anything = (...args: unknown[]) => unknown
type Functions = Record<string, Anything>

/** By the name of the function; `open` depends on its flags. */
const kinds: Readonly<Record<string, Kind>> = {
  access: 'look',
  copyFile: 'grow',
  link: 'grow',
  lstat: 'look',
  mkdir: 'grow',
  mkdtemp: 'grow',
  open: 'look',
  readFile: 'look',
  readdir: 'look',
  rename: 'grow',
  rm: 'change',
  rmdir: 'change',
  stat: 'look',
  truncate: 'change',
  unlink: 'change',
  writeFile: 'grow',
}
const ofHandles: Readonly<Record<string, Kind>> = {
  close: 'change',
  datasync: 'grow',
  read: 'look',
  readFile: 'look',
  stat: 'look',
  sync: 'grow',
  truncate: 'grow',
  write: 'grow',
  writeFile: 'grow',
}
const ofDescriptors: Readonly<Record<string, Kind>> = {
  close: 'change',
  fstat: 'look',
  fsync: 'grow',
  fdatasync: 'grow',
  ftruncate: 'grow',
  read: 'look',
  write: 'grow',
}

export class FailingFs {
  readonly #calls: FailingCalls
  readonly #root: string
  /** Paths of open files below the folder. */
  readonly #descriptors = new Map<number, string>()
  readonly #undo: (() => void)[] = []

  /** @param root everything below it can fail */
  constructor(calls: FailingCalls, root: string) {
    this.#calls = calls
    this.#root = root
  }

  install(): void {
    const asynchronous = promises as unknown as Functions
    const synchronous = fs as unknown as Functions
    for (const [name, kind] of Object.entries(kinds)) {
      this.#replace(asynchronous, name, (real) => this.#promised(name, kind, real))
      this.#replace(synchronous, `${name}Sync`, (real) => this.#immediate(name, kind, real))
    }
    for (const [name, kind] of Object.entries(ofDescriptors))
      this.#replace(synchronous, `${name}Sync`, (real) => this.#described(name, kind, real))
    for (const name of ['open', 'read'])
      this.#replace(synchronous, name, (real) => this.#calledBack(name, real))
    this.#replace(synchronous, 'statfsSync', (real) => this.#spaceOf(real))
    syncBuiltinESMExports()
  }

  uninstall(): void {
    for (const undo of this.#undo.splice(0)) undo()
    syncBuiltinESMExports()
  }

  #replace(module: Functions, name: string, replacement: (real: Anything) => Anything): void {
    const real = module[name]!
    module[name] = replacement(real)
    this.#undo.push(() => {
      module[name] = real
    })
  }

  /** @returns undefined for paths elsewhere */
  #inside(path: unknown): string | undefined {
    const text = String(path)
    return text.startsWith(this.#root) ? text.slice(this.#root.length) || '/' : undefined
  }

  #promised(name: string, kind: Kind, real: Anything): Anything {
    return async (...args: unknown[]) => {
      const path = this.#inside(namedBy(name, args))
      if (path === undefined) return real(...args)
      const failure = this.#calls.next(name, kindOf(name, kind, args[1]), path)
      if (failure && !failure.happens) throw failure.error
      const result = await real(...args)
      if (name === 'rm' || name === 'unlink') this.#calls.flushed(path)
      if (!failure) return name === 'open' ? this.#handle(result as FileHandle, path) : result
      if (name === 'open') await (result as FileHandle).close()
      throw failure.error
    }
  }

  #handle(handle: FileHandle, path: string): FileHandle {
    const methods = handle as unknown as Functions
    for (const [name, kind] of Object.entries(ofHandles)) {
      const real = methods[name]!.bind(handle)
      const isFlush = name === 'sync' || name === 'datasync'
      methods[name] = async (...args: unknown[]) => {
        const failure = this.#calls.next(isFlush ? 'fsync' : name, kind, path)
        if (isFlush && !failure) this.#calls.flushed(path)
        if (failure && name === 'writeFile' && !failure.happens) await real(...halfOf(args))
        // A file is closed whatever its close reports.
        const happens = !failure || failure.happens || name === 'close'
        const result = happens && !isFlush ? await real(...args) : undefined
        if (failure) throw failure.error
        return result
      }
    }
    return handle
  }

  #immediate(name: string, kind: Kind, real: Anything): Anything {
    return (...args: unknown[]) => {
      const path = this.#inside(namedBy(name, args))
      if (path === undefined) return real(...args)
      const failure = this.#calls.next(name, kindOf(name, kind, args[1]), path)
      if (failure && !failure.happens) throw failure.error
      const result = real(...args)
      if (failure && name === 'open') fs.closeSync(result as number)
      if (failure) throw failure.error
      if (name === 'open') this.#descriptors.set(result as number, path)
      return result
    }
  }

  #described(name: string, kind: Kind, real: Anything): Anything {
    return (...args: unknown[]) => {
      const path = this.#descriptors.get(args[0] as number)
      if (path === undefined) return real(...args)
      const failure = this.#calls.next(name, kind, path)
      if (name === 'fsync' && !failure) this.#calls.flushed(path)
      if (name === 'close') this.#descriptors.delete(args[0] as number)
      const result = !failure || failure.happens || name === 'close' ? real(...args) : undefined
      if (failure) throw failure.error
      return result
    }
  }

  /** What streams read with. */
  #calledBack(name: string, real: Anything): Anything {
    return (...args: unknown[]) => {
      const path = name === 'open' ? this.#inside(args[0]) : this.#descriptors.get(args[0] as number)
      const callback = args.at(-1) as (error: Error | null, result?: unknown) => void
      const failure = path === undefined ? undefined : this.#calls.next(name, 'look', path)
      if (failure) return process.nextTick(callback, failure.error)
      if (path === undefined || name !== 'open') return real(...args)
      const opened = (error: Error | null, descriptor?: unknown) => {
        if (typeof descriptor === 'number') this.#descriptors.set(descriptor, path)
        callback(error, descriptor)
      }
      return real(...args.slice(0, -1), opened)
    }
  }

  #spaceOf(real: Anything): Anything {
    return (...args: unknown[]) => {
      const space = real(...args) as fs.StatsFs
      if (this.#inside(args[0]) !== undefined && this.#calls.isFull) space.bavail = 0
      return space
    }
  }
}

function kindOf(name: string, kind: Kind, flags: unknown): Kind {
  return name === 'open' && flags !== undefined && flags !== 'r' ? 'grow' : kind
}

/** The path that a call is about: of two the one that it makes. */
function namedBy(name: string, [first, second]: readonly unknown[]): unknown {
  return name === 'link' || name === 'rename' ? second : first
}

/** What a write that fails may leave. */
function halfOf([content, ...rest]: readonly unknown[]): unknown[] {
  const isWhole = !(content instanceof Uint8Array) && typeof content !== 'string'
  return [isWhole ? content : content.slice(0, content.length / 2), ...rest]
}
