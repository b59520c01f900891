import { decode } from './text.ts'

/** An object's names are compared pair by pair up to this many, and by a set from there on. */
const pairwiseMax = 16

/** The most levels of objects and arrays a text may have; a scalar has 0, `[]` has 1. */
export const depthMax = 100

// The names of the objects that are open, by level: where they stand, and what tells most of them apart. All scans
// share these (a scan is synchronous), so that a record's names cost no allocation.
const starts = new Uint32Array((depthMax + 1) * pairwiseMax)
const ends = new Uint32Array((depthMax + 1) * pairwiseMax)
const prints = new Int32Array((depthMax + 1) * pairwiseMax)
const counts = new Uint32Array(depthMax + 1)

/** The member names of the open objects of one text, level by level, to find a name that an object has twice. */
export class Names {
  readonly #bytes: Buffer
  /** Of objects with many names or with escapes in them: decoded names by level. */
  readonly #sets: (Set<string> | undefined)[] = []

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** An object opens at a level, 1 … depthMax. */
  open(level: number): void {
    counts[level] = 0
    if (level < this.#sets.length) this.#sets[level] = undefined
  }

  /**
   * Add a name, `bytes[start, end)` without its quotes, to the object open at a level.
   *
   * @returns false when the object has it already
   */
  add(level: number, start: number, end: number, escaped: boolean): boolean {
    const count = counts[level]!
    if (escaped || count === pairwiseMax || this.#sets[level] !== undefined)
      return this.#addDecoded(level, start, end)
    const bytes = this.#bytes
    const first = level * pairwiseMax
    const past = first + count
    const print = fingerprint(bytes, start, end)
    for (let i = first; i < past; i++) {
      if (prints[i] === print && bytes.compare(bytes, starts[i], ends[i], start, end) === 0) return false
    }
    prints[past] = print
    starts[past] = start
    ends[past] = end
    counts[level] = count + 1
    return true
  }

  #addDecoded(level: number, start: number, end: number): boolean {
    const bytes = this.#bytes
    let set = this.#sets[level]
    if (set === undefined) {
      set = new Set()
      const first = level * pairwiseMax
      for (let i = first; i < first + counts[level]!; i++) set.add(decode(bytes, starts[i]!, ends[i]!))
      while (this.#sets.length <= level) this.#sets.push(undefined)
      this.#sets[level] = set
    }
    const { size } = set
    set.add(decode(bytes, start, end))
    return set.size > size
  }
}

/** Length and three bytes of a name in one number. */
function fingerprint(bytes: Buffer, start: number, end: number): number {
  if (start === end) return 0
  return ((end - start) << 24) | (bytes[start]! << 16) | (bytes[(start + end) >>> 1]! << 8) | bytes[end - 1]!
}
