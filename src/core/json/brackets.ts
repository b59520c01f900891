const openBrace = 0x7b
const closeBrace = 0x7d

/** The closing bytes of what is open, by level. All scans begin with this one: a scan is synchronous. */
const shallow = new Uint8Array(128)

/** The objects and arrays that are open at a point of a text; one byte for each, whatever the depth. */
export class Brackets {
  /** How many are open, and the most that ever were. */
  depth = 0
  deepest = 0
  /** The byte that closes the innermost, −1 when none is open. */
  closer = -1
  #closers = shallow

  /** @param byte the opening brace or bracket */
  open(byte: number): void {
    this.depth++
    if (this.depth > this.deepest) this.deepest = this.depth
    if (this.depth === this.#closers.length) {
      const longer = new Uint8Array(this.depth * 2)
      longer.set(this.#closers)
      this.#closers = longer
    }
    this.closer = byte === openBrace ? closeBrace : 0x5d
    this.#closers[this.depth] = this.closer
  }

  close(): void {
    this.depth--
    this.closer = this.depth === 0 ? -1 : this.#closers[this.depth]!
  }

  get inObject(): boolean {
    return this.closer === closeBrace
  }
}
