import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compact,
  depthMax,
  type JsonFlaw,
  type JsonNode,
  scan,
  stringOf,
} from '../../../src/core/json/index.ts'
import { chooser, depthOf, hasRepeat, isWellFormed, type Model, model, plainOf, tokensOf } from './model.ts'

const seed = fc.nat(2 ** 31 - 1)
const levels = fc.constantFrom(0, 1, 2, 3, 200)
const blanks = ['', '', '', ' ', '\n', '\r\n\t']

function spaced(tokens: string[], choose: (options: number) => number): string {
  const blank = () => blanks[choose(blanks.length)]!
  return blank() + tokens.map((token) => token + blank()).join('')
}

function scanned(text: string, depth: number): { bytes: Buffer; root: JsonNode; flaw?: JsonFlaw } {
  const bytes = Buffer.from(text)
  const result = scan(bytes, depth)
  if (!result.ok) throw new Error(`${result.message} at ${result.at}`)
  return { bytes, ...result }
}

/** Read with another parser; of bytes that are no UTF-8 the grammar is the same for every byte from 0x80. */
function accepts(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('latin1'))
    return true
  } catch {
    return false
  }
}

/** The value of a node, put together from the spans of its innermost nodes. */
function valueFrom(bytes: Buffer, node: JsonNode): unknown {
  if (node.kind === 'string') return stringOf(bytes, node)
  if (node.elements) return node.elements.map((element) => valueFrom(bytes, element))
  // Not by assignment: a member may be named __proto__.
  if (node.members)
    return Object.fromEntries(node.members.map(({ name, value }) => [name, valueFrom(bytes, value)]))
  const text = bytes.toString('utf8', node.start, node.end)
  if (node.kind !== 'object' && node.kind !== 'array') return JSON.parse(text)
  const whole = scanned(text, 300)
  return valueFrom(whole.bytes, whole.root)
}

function everyNode(node: JsonNode): JsonNode[] {
  const inner = node.elements ?? node.members?.map((member) => member.value) ?? []
  return [node, ...inner.flatMap(everyNode)]
}

/** Bytes that matter to the grammar, and some that do not. */
const biting = fc.oneof(
  fc.constantFrom(...Buffer.from('{}[]",:\\/ \n\t\r0123456789-+.eEtrufalsn\0\x1f\x7f')),
  fc.nat(255),
)
const mutation = fc.oneof(
  fc.record({ at: fc.nat(), drop: fc.constant(0), bytes: fc.array(biting, { minLength: 1, maxLength: 3 }) }),
  fc.record({ at: fc.nat(), drop: fc.nat(3), bytes: fc.array(biting, { maxLength: 2 }) }),
  fc.record({ at: fc.nat(), drop: fc.constant(1_000_000), bytes: fc.constant<number[]>([]) }),
)

describe('scan', () => {
  test('accepts what JSON.parse accepts, of any text and its mutations', () => {
    fc.assert(
      fc.property(
        model,
        seed,
        fc.array(mutation, { maxLength: 4 }),
        levels,
        (value, seed, mutations, levels) => {
          const choose = chooser(seed)
          let bytes = Buffer.from(spaced(tokensOf(value, choose), choose))
          for (const { at, drop, bytes: added } of mutations) {
            const start = at % (bytes.length + 1)
            bytes = Buffer.concat([
              bytes.subarray(0, start),
              Buffer.from(added),
              bytes.subarray(start + drop),
            ])
          }
          const result = scan(bytes, levels)
          expect(result.ok).toBe(accepts(bytes))
          if (!result.ok) {
            expect(result.at).toBeLessThanOrEqual(bytes.length)
            // The first byte that cannot be mended by what follows: up to there the text is whole or merely ends early.
            const before = scan(bytes.subarray(0, result.at))
            expect(before.ok || before.at === result.at).toBe(true)
          } else if (!isUtf8(bytes)) expect(result.flaw).toBe('INVALID_UNICODE')
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('accepts what JSON.parse accepts, of any run of biting bytes', () => {
    fc.assert(
      fc.property(fc.array(biting, { maxLength: 8 }), (bytes) => {
        expect(scan(Buffer.from(bytes)).ok).toBe(accepts(Buffer.from(bytes)))
      }),
      { numRuns: 5000 },
    )
  })

  test('judges as the value demands, however it is written', () => {
    const verdict = (value: Model): JsonFlaw | undefined =>
      !isWellFormed(value)
        ? 'INVALID_UNICODE'
        : depthOf(value) > depthMax
          ? 'TOO_DEEP'
          : hasRepeat(value)
            ? 'DUPLICATE_MEMBER'
            : undefined
    fc.assert(
      fc.property(model, seed, levels, (value, seed, levels) => {
        const choose = chooser(seed)
        expect(scanned(spaced(tokensOf(value, choose), choose), levels).flaw).toBe(verdict(value))
      }),
      { numRuns: 2000 },
    )
  })

  test('nodes, read one by one and put together, are the value', () => {
    fc.assert(
      fc.property(model, seed, levels, (value, seed, levels) => {
        const choose = chooser(seed)
        const { bytes, root } = scanned(spaced(tokensOf(value, choose), choose), levels)
        expect(valueFrom(bytes, root)).toEqual(plainOf(value))
      }),
      { numRuns: 1000 },
    )
  })

  test('a node asked for deeper is the node of a scan of its own bytes', () => {
    fc.assert(
      fc.property(model, seed, (value, seed) => {
        const choose = chooser(seed)
        const { bytes, root } = scanned(spaced(tokensOf(value, choose), choose), 4)
        for (const { kind, start, end, spaced } of everyNode(root)) {
          const own = scan(bytes.subarray(start, end))
          expect(own).toMatchObject({ ok: true, root: { kind, start: 0, end: end - start, spaced } })
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('compact', () => {
  test('is the text without white space between tokens, to the byte, for every node', () => {
    fc.assert(
      fc.property(model, seed, (value, seed) => {
        const choose = chooser(seed)
        const tokens = tokensOf(value, choose)
        const text = spaced(tokens, choose)
        const { bytes, root } = scanned(text, 3)
        expect(compact(bytes, root).toString()).toBe(tokens.join(''))
        for (const node of everyNode(root)) {
          const kept = compact(bytes, node)
          expect(node.spaced).toBe(kept.length < node.end - node.start)
          const again = scanned(kept.toString(), 300)
          expect(again.root.spaced).toBe(false)
          expect(valueFrom(again.bytes, again.root)).toEqual(valueFrom(bytes, node))
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('stringOf', () => {
  test('is the text that was written, by whatever escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), seed, (text, seed) => {
        const [token] = tokensOf({ kind: 'string', text }, chooser(seed)) as [string]
        const { bytes, root } = scanned(` ${token}`, 0)
        expect(stringOf(bytes, root)).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })
})
