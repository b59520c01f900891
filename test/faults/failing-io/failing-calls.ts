/** What a call does to the disk. */
export type Kind = 'look' | 'change' | 'grow'

/** Which call fails, and how. */
export interface Failure {
  /** The how manieth call, from 1 on, of those that can fail so. */
  at: number
  /** Whether those after it fail as well. */
  forGood: boolean
  /** Whether what was asked for happens all the same. */
  happens: boolean
  code: 'EIO' | 'ENOSPC'
}

/** What came of a failure that was armed. */
export interface Failed {
  /** Calls that could have failed so. */
  calls: number
  /** Calls that did: `fsync /x/y`. */
  failed: string[]
  /** Paths of files and folders whose last flush failed. */
  unflushed: string[]
}

const messages = { EIO: 'i/o error', ENOSPC: 'no space left on device' } as const
const numbers = { EIO: -5, ENOSPC: -28 } as const

/** Counts the calls of one process to its disk, and makes them fail. */
export class FailingCalls {
  #failure: Failure | undefined
  #calls = 0
  #failed: string[] = []
  #unflushed = new Set<string>()

  /** From now on count, and fail. */
  arm(failure: Failure): void {
    this.#failure = failure
    this.#calls = 0
    this.#failed = []
    this.#unflushed = new Set()
  }

  /** From now on all is well. */
  disarm(): Failed {
    this.#failure = undefined
    return { calls: this.#calls, failed: this.#failed, unflushed: [...this.#unflushed] }
  }

  /** Note that a file or folder is on disk, or gone. */
  flushed(path: string): void {
    this.#unflushed.delete(path)
  }

  /** Whether there is no space for now. */
  get isFull(): boolean {
    return this.#failure?.code === 'ENOSPC' && this.#failure.forGood && this.#failed.length > 0
  }

  /**
   * Ask before a call.
   *
   * @returns how it fails; undefined: it does not
   */
  next(
    name: string,
    kind: Kind,
    path: string,
  ): { happens: boolean; error: NodeJS.ErrnoException } | undefined {
    const failure = this.#failure
    if (!failure || !canFail(kind, failure)) return undefined
    this.#calls++
    if (failure.forGood ? this.#calls < failure.at : this.#calls !== failure.at) return undefined
    this.#failed.push(`${name} ${path}`)
    if (name === 'fsync') this.#unflushed.add(path)
    const { happens, code } = failure
    const error = new Error(`${code}: ${messages[code]}, ${name} '${path}'`)
    return { happens, error: Object.assign(error, { code, errno: numbers[code], syscall: name, path }) }
  }
}

function canFail(kind: Kind, { happens, code }: Failure): boolean {
  if (code === 'ENOSPC') return kind === 'grow'
  return !happens || kind !== 'look'
}
