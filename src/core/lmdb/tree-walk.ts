import { readAt, uint64 } from './bytes.ts'

/** Sees every entry in order of key; the value is undefined where it stands on overflow pages. It throws for damage. */
export type OnEntry = (key: Buffer, value: Buffer | undefined) => void

export interface Tree {
  depth: number
  branchPages: number
  leafPages: number
  overflowPages: number
  entries: number
  root: number | undefined
}

/** What a walk goes through. */
export interface Snapshot {
  file: number
  pageBytes: number
  transaction: number
  /** By page; a walk marks those it goes through, and throws where one was marked before. */
  used: Uint8Array
}

export const headerBytes = 24
const flags = { branch: 1, leaf: 2, overflow: 4 }
const overflowNode = 1
const nodeHeaderBytes = 8
const keyBytesMax = 1_978
/** Pages that lie as close are read with one call. */
const readGapPages = 4
const readPagesMax = 256

/** One walk through a tree; marks its pages as used. */
export class TreeWalk {
  readonly #file: number
  readonly #pageBytes: number
  readonly #transaction: number
  readonly #isOfWholeNumbers: boolean
  readonly #used: Uint8Array
  readonly #onEntry: OnEntry
  readonly #onOverflow: ((value: Buffer) => void) | undefined
  #depth = 0
  #branchPages = 0
  #leafPages = 0
  #overflowPages = 0
  #entries = 0

  /** @param onOverflow sees values on overflow pages, and says that keys are whole numbers */
  constructor(
    { file, pageBytes, transaction, used }: Snapshot,
    onEntry: OnEntry,
    onOverflow?: (value: Buffer) => void,
  ) {
    this.#file = file
    this.#pageBytes = pageBytes
    this.#transaction = transaction
    this.#isOfWholeNumbers = onOverflow !== undefined
    this.#used = used
    this.#onEntry = onEntry
    this.#onOverflow = onOverflow
  }

  walk({ depth, root, entries, branchPages, leafPages, overflowPages }: Tree): void {
    this.#depth = depth
    if ((root === undefined) !== (depth === 0)) throw new Error('a tree has no root, or no depth')
    if (root !== undefined) {
      this.#take(root, 1)
      this.#visit(this.#readPages([root]).get(root)!, root, 1, this.#transaction, undefined, undefined)
    }
    const found = [this.#entries, this.#branchPages, this.#leafPages, this.#overflowPages]
    const told = [entries, branchPages, leafPages, overflowPages]
    if (found.some((count, index) => count !== told[index]))
      throw new Error(`a tree has ${found.join(', ')} entries and pages, and says ${told.join(', ')}`)
  }

  /** The entry with the lowest key; only the pages that lead to it are looked at. */
  first({ depth, root }: Tree): { key: Buffer; value: Buffer } | undefined {
    if (root === undefined) return undefined
    this.#depth = depth
    let number = root
    let writtenMax = this.#transaction
    for (let level = 1; ; level++) {
      this.#take(number, 1)
      const page = this.#readPages([number]).get(number)!
      const [node] = this.#checkPage(page, number, level, writtenMax)
      writtenMax = uint64(page, 8)
      if (level < depth) number = page.readUIntLE(node!, 6)
      else return this.#entryAt(page, number, node!, writtenMax)
    }
  }

  #entryAt(page: Buffer, number: number, node: number, written: number): { key: Buffer; value: Buffer } {
    const key = this.#keyOf(page, number, node)
    const at = node + nodeHeaderBytes + key.length
    const bytes = page.readUInt32LE(node)
    if (page.readUInt16LE(node + 4) !== overflowNode) return { key, value: page.subarray(at, at + bytes) }
    return { key, value: this.#readOverflow(page, number, at, bytes, written, bytes) }
  }

  /** @param low at most the page's first key @param high above its last key */
  #visit(
    page: Buffer,
    number: number,
    level: number,
    writtenMax: number,
    low: Buffer | undefined,
    high: Buffer | undefined,
  ): void {
    const nodes = this.#checkPage(page, number, level, writtenMax)
    const written = uint64(page, 8)
    if (level === this.#depth) this.#visitLeaf(page, number, nodes, written, low, high)
    else this.#visitBranch(page, number, nodes, level, written, low, high)
  }

  /** @returns where its nodes begin */
  #checkPage(page: Buffer, number: number, level: number, writtenMax: number): number[] {
    const isLeaf = level === this.#depth
    const written = uint64(page, 8)
    if (uint64(page, 0) !== number || written < 1 || written > writtenMax)
      throw new Error(`page ${number} is not the one that was written there`)
    if (page.readUInt16LE(18) !== (isLeaf ? flags.leaf : flags.branch))
      throw new Error(`page ${number} is none of level ${level} of ${this.#depth}`)
    return this.#nodesOf(page, number, isLeaf)
  }

  /** Where the nodes of a page begin: within it, and filling it. */
  #nodesOf(page: Buffer, number: number, isLeaf: boolean): number[] {
    const end = this.#pageBytes
    const lower = page.readUInt16LE(20)
    const upper = page.readUInt16LE(22) + headerBytes
    if (lower < 2 || lower % 2 !== 0 || headerBytes + lower > upper || upper > end)
      throw new Error(`page ${number} is not laid out as a page`)
    const nodes: number[] = []
    let room = end - upper
    for (let at = headerBytes; at < headerBytes + lower; at += 2) {
      const node = page.readUInt16LE(at) + headerBytes
      if (node < upper || node % 2 !== 0 || node + nodeHeaderBytes > end)
        throw new Error(`page ${number} has a node outside of it`)
      const bytes = nodeBytes(page, node, isLeaf)
      if (node + bytes > end) throw new Error(`page ${number} has a node that leaves it`)
      room -= bytes + (bytes % 2)
      nodes.push(node)
    }
    if (room !== 0) throw new Error(`page ${number} has nodes that do not fill it`)
    return nodes
  }

  #visitLeaf(
    page: Buffer,
    number: number,
    nodes: readonly number[],
    written: number,
    low: Buffer | undefined,
    high: Buffer | undefined,
  ): void {
    this.#leafPages++
    this.#entries += nodes.length
    let before = low
    for (const node of nodes) {
      const key = this.#keyOf(page, number, node)
      const order = before ? this.#compare(before, key) : -1
      // The lower bound itself may be the first key.
      if (order > 0 || (order === 0 && before !== low)) throw outOfOrder(number)
      before = key
      const flag = page.readUInt16LE(node + 4)
      const valueAt = node + nodeHeaderBytes + key.length
      const valueBytes = page.readUInt32LE(node)
      if (flag === 0) this.#onEntry(key, page.subarray(valueAt, valueAt + valueBytes))
      else if (flag === overflowNode) {
        const value = this.#readOverflow(
          page,
          number,
          valueAt,
          valueBytes,
          written,
          this.#onOverflow ? valueBytes : 0,
        )
        this.#onOverflow?.(value)
        this.#onEntry(key, undefined)
      } else throw new Error(`page ${number} has a node of an unknown kind`)
    }
    if (high && before && this.#compare(before, high) >= 0) throw outOfOrder(number)
  }

  /** @returns the first `wanted` bytes of the value that stands there */
  #readOverflow(
    leaf: Buffer,
    number: number,
    at: number,
    bytes: number,
    writtenMax: number,
    wanted: number,
  ): Buffer {
    const [first, written, count] = [uint64(leaf, at), uint64(leaf, at + 8), uint64(leaf, at + 16)]
    // More, where a larger value was there before.
    if (count <= Math.floor((headerBytes - 1 + bytes) / this.#pageBytes))
      throw new Error(`page ${number} has a value of ${bytes} bytes on ${count} pages`)
    this.#take(first, count)
    this.#overflowPages += count
    const length = headerBytes + wanted
    const page = readAt(this.#file, first * this.#pageBytes, length)
    const isWhole = page.length === length && uint64(page, 0) === first && uint64(page, 8) === written
    const isOverflow = isWhole && page.readUInt16LE(18) === flags.overflow && page.readUInt32LE(20) === count
    if (!isOverflow || written > writtenMax)
      throw new Error(`page ${first} is not the one that was written there`)
    return page.subarray(headerBytes)
  }

  #visitBranch(
    page: Buffer,
    number: number,
    nodes: readonly number[],
    level: number,
    written: number,
    low: Buffer | undefined,
    high: Buffer | undefined,
  ): void {
    this.#branchPages++
    if (nodes.length < 2 && !this.#isOfWholeNumbers) throw new Error(`page ${number} has one branch`)
    const children = nodes.map((node) => page.readUIntLE(node, 6))
    for (const child of children) this.#take(child, 1)
    // The first key of a branch says nothing: what it leads to begins where the branch does.
    const bounds = nodes.map((node, index) => (index === 0 ? low : this.#keyOf(page, number, node)))
    bounds.push(high)
    for (const [index, bound] of bounds.entries()) {
      const before = index > 0 ? bounds[index - 1] : undefined
      if (before && bound && this.#compare(before, bound) >= 0) throw outOfOrder(number)
    }
    for (let at = 0; at < children.length; at += readPagesMax) {
      const some = children.slice(at, at + readPagesMax)
      const pages = this.#readPages(some)
      for (const [index, child] of some.entries())
        this.#visit(pages.get(child)!, child, level + 1, written, bounds[at + index], bounds[at + index + 1])
    }
  }

  #take(first: number, count: number): void {
    if (first < 2 || first + count > this.#used.length) throw new Error(`page ${first} is not in the file`)
    for (let page = first; page < first + count; page++) {
      if (this.#used[page]) throw new Error(`page ${page} is used twice`)
      this.#used[page] = 1
    }
  }

  #keyOf(page: Buffer, number: number, node: number): Buffer {
    const length = page.readUInt16LE(node + 6)
    if (this.#isOfWholeNumbers ? length !== 8 : length < 1 || length > keyBytesMax)
      throw new Error(`page ${number} has a key of ${length} bytes`)
    return page.subarray(node + nodeHeaderBytes, node + nodeHeaderBytes + length)
  }

  #compare(a: Buffer, b: Buffer): number {
    return this.#isOfWholeNumbers ? uint64(a, 0) - uint64(b, 0) : Buffer.compare(a, b)
  }

  /** Pages by their numbers, with few reads. */
  #readPages(numbers: readonly number[]): Map<number, Buffer> {
    const pages = new Map<number, Buffer>()
    const sorted = numbers.toSorted((a, b) => a - b)
    for (let from = 0; from < sorted.length; ) {
      let to = from + 1
      while (to < sorted.length && sorted[to]! - sorted[to - 1]! <= readGapPages) to++
      const first = sorted[from]!
      const length = (sorted[to - 1]! - first + 1) * this.#pageBytes
      const content = readAt(this.#file, first * this.#pageBytes, length)
      for (const number of sorted.slice(from, to)) {
        const at = (number - first) * this.#pageBytes
        if (at + this.#pageBytes > content.length) throw new Error(`page ${number} is behind the end`)
        pages.set(number, content.subarray(at, at + this.#pageBytes))
      }
      from = to
    }
    return pages
  }
}

function nodeBytes(page: Buffer, node: number, isLeaf: boolean): number {
  const bytes = nodeHeaderBytes + page.readUInt16LE(node + 6)
  if (!isLeaf) return bytes
  return bytes + (page.readUInt16LE(node + 4) === overflowNode ? 24 : page.readUInt32LE(node))
}

function outOfOrder(page: number): Error {
  return new Error(`page ${page} has keys out of order`)
}
