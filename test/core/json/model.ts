import fc from 'fast-check'

/** A JSON value that knows its own verdict: members may repeat, strings may hold halves of surrogate pairs. */
export type Model =
  | { kind: 'object'; members: { name: string; value: Model }[] }
  | { kind: 'array'; elements: Model[] }
  | { kind: 'string'; text: string }
  | { kind: 'token'; token: string }

const tokens = [
  '0',
  '-0',
  '7',
  '-12',
  '12345678901234567890',
  '1.50',
  '1e5',
  '2E-3',
  '3.1e+02',
  'true',
  'false',
  'null',
]

/** Names repeat often, and some differ from others in nothing but a byte in the middle. */
const name = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      '',
      'a',
      'b',
      'ind',
      'index',
      'abXde',
      'abYde',
      'é',
      '\u0000',
      '"',
      '\\',
      '__proto__',
    ),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
)
const wellFormedText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('{"a":1}', 'a, b : [c] ', '\ufeff', '😀', '  '),
)
const halves = fc.constantFrom('\ud800', 'x\udfff', '\udc00\ud800', '😀\ud83d')

const models = (text: fc.Arbitrary<string>) =>
  fc.letrec<{ model: Model; object: Model; array: Model; leaf: Model }>((tie) => ({
    leaf: fc.oneof(
      text.map((text): Model => ({ kind: 'string', text })),
      fc.constantFrom(...tokens).map((token): Model => ({ kind: 'token', token })),
    ),
    object: fc
      .array(fc.record({ name, value: tie('model') }), { maxLength: 5 })
      .map((members): Model => ({ kind: 'object', members })),
    array: fc.array(tie('model'), { maxLength: 5 }).map((elements): Model => ({ kind: 'array', elements })),
    model: fc.oneof({ maxDepth: 5 }, tie('leaf'), tie('object'), tie('array')),
  })).model

/** Mostly sound values; now and then half a surrogate pair, a repeated name, or a depth about the limit. */
export const model: fc.Arbitrary<Model> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: models(wellFormedText) },
      { weight: 1, arbitrary: models(fc.oneof(halves, wellFormedText)) },
    ),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 95, max: 103 }) },
    ),
    fc.boolean(),
  )
  .map(([inner, wraps, inObjects]) => {
    let value = inner
    for (let i = 0; i < wraps; i++) {
      value = inObjects
        ? { kind: 'object', members: [{ name: 'a', value }] }
        : { kind: 'array', elements: [value] }
    }
    return value
  })

/**
 * The value as JavaScript has it; the last of repeated members counts. No text of an object goes through JSON.parse,
 * which mistakes names with escapes for others it has seen (nodejs/node#63785) and then keeps either of a repeated two.
 */
export function plainOf(value: Model): unknown {
  if (value.kind === 'string') return value.text
  if (value.kind === 'token') return JSON.parse(value.token)
  if (value.kind === 'array') return value.elements.map(plainOf)
  return Object.fromEntries(value.members.map((member) => [member.name, plainOf(member.value)]))
}

export function depthOf(value: Model): number {
  const inner =
    value.kind === 'object'
      ? value.members.map((member) => member.value)
      : value.kind === 'array'
        ? value.elements
        : undefined
  return inner === undefined ? 0 : 1 + Math.max(0, ...inner.map(depthOf))
}

export function hasRepeat(value: Model): boolean {
  if (value.kind === 'array') return value.elements.some(hasRepeat)
  if (value.kind !== 'object') return false
  const names = new Set(value.members.map((member) => member.name))
  return names.size < value.members.length || value.members.some((member) => hasRepeat(member.value))
}

export function isWellFormed(value: Model): boolean {
  if (value.kind === 'string') return value.text.isWellFormed()
  if (value.kind === 'array') return value.elements.every(isWellFormed)
  return (
    value.kind !== 'object' ||
    value.members.every(({ name, value }) => name.isWellFormed() && isWellFormed(value))
  )
}

/** The tokens of one of the many texts of a value; which one, `choose` decides. */
export function tokensOf(value: Model, choose: (options: number) => number): string[] {
  switch (value.kind) {
    case 'token':
      return [value.token]
    case 'string':
      return [stringToken(value.text, choose)]
    case 'array':
      return [
        '[',
        ...value.elements.flatMap((element, i) => [...(i > 0 ? [','] : []), ...tokensOf(element, choose)]),
        ']',
      ]
    case 'object':
      return [
        '{',
        ...value.members.flatMap((member, i) => [
          ...(i > 0 ? [','] : []),
          stringToken(member.name, choose),
          ':',
          ...tokensOf(member.value, choose),
        ]),
        '}',
      ]
  }
}

function stringToken(text: string, choose: (options: number) => number): string {
  const parts = [...text].map((character) => {
    const plain = character.isWellFormed() && character >= ' ' && character !== '"' && character !== '\\'
    if (plain && choose(8) > 0) return character
    const short = JSON.stringify(character).slice(1, -1)
    if (short.length === 2 && short !== character && choose(2) > 0) return short
    return character === '/' ? '\\/' : escaped(character, choose(2) > 0)
  })
  return `"${parts.join('')}"`
}

function escaped(character: string, upper: boolean): string {
  return Array.from({ length: character.length }, (_, i) => {
    const hex = character.charCodeAt(i).toString(16).padStart(4, '0')
    return `\\u${upper ? hex.toUpperCase() : hex}`
  }).join('')
}

/** A source of choices that is the same for the same seed. */
export function chooser(seed: number): (options: number) => number {
  let state = seed >>> 0
  return (options) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * options)
  }
}
