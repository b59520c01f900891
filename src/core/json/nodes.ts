import type { JsonKind, JsonNode } from './node.ts'
import { decodeName } from './text.ts'

/** Puts the values of one text together as nodes. Told only of values that are to be nodes, in their order. */
export class Nodes {
  /** The value of the whole text, once it was told of. */
  root: JsonNode | undefined
  readonly #bytes: Buffer
  readonly #levels: number
  readonly #open: JsonNode[] = []
  #name = ''

  constructor(bytes: Buffer, levels: number) {
    this.#bytes = bytes
    this.#levels = levels
  }

  /** The name of the member that comes next: `bytes[start, end)`, quotes left out. */
  name(start: number, end: number): void {
    this.#name = decodeName(this.#bytes, start, end)
  }

  scalar(kind: JsonKind, start: number, end: number): void {
    this.#add({ kind, start, end, spaced: false })
  }

  open(kind: 'object' | 'array', start: number): void {
    const node: JsonNode = { kind, start, end: start, spaced: false }
    if (this.#open.length < this.#levels) {
      if (kind === 'object') node.members = []
      else node.elements = []
    }
    this.#add(node)
    this.#open.push(node)
  }

  /** @param spaceAt where white space was last seen */
  close(end: number, spaceAt: number): void {
    const node = this.#open.pop()!
    node.end = end
    node.spaced = spaceAt > node.start
  }

  #add(node: JsonNode): void {
    const parent = this.#open[this.#open.length - 1]
    if (parent === undefined) this.root = node
    else if (parent.members) parent.members.push({ name: this.#name, value: node })
    else parent.elements!.push(node)
  }
}
