import { describe, expect, test } from 'vitest'
import { depthMax, type JsonNode, type JsonText, scan } from '../../../src/core/json/index.ts'

const accepted = (text: string | Buffer, levels = 0): JsonText => {
  const result = scan(Buffer.from(text as string), levels)
  if (!result.ok) throw new Error(`${result.message} at ${result.at}`)
  return result
}

describe('grammar', () => {
  test.each([
    ['object', '{}'],
    ['array', '[]'],
    ['string', '""'],
    ['number', '0'],
    ['number', '-0'],
    ['number', '-12.50e+07'],
    ['number', '1E400'],
    ['number', '123456789012345678901234567890'],
    ['boolean', 'true'],
    ['boolean', 'false'],
    ['null', 'null'],
    ['string', '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD"'],
    ['string', '"\u007f é 😀 \u2028"'],
    ['array', '[1,"2",[],{},null]'],
    ['object', '{"":{"a":[{}]},"b":-1}'],
  ])('takes the %s %s, with white space around it', (kind, text) => {
    for (const [before, after] of [
      ['', ''],
      [' \t\r\n', '\n \r\t'],
    ] as const) {
      const { root, flaw } = accepted(before + text + after)
      expect(flaw).toBeUndefined()
      expect(root).toEqual({
        kind,
        start: before.length,
        end: before.length + Buffer.byteLength(text),
        spaced: false,
      })
    }
  })

  test.each([
    ['', 0, 'expected a value, found the end of the text'],
    ['  \n', 3, 'expected a value, found the end of the text'],
    ['\ufeff{}', 0, 'expected a value, found a byte order mark'],
    ['NaN', 0, 'expected a value, found N'],
    ['Infinity', 0, 'expected a value, found I'],
    ['-Infinity', 1, 'expected a digit, found I'],
    ['undefined', 0, 'expected a value, found u'],
    ['True', 0, 'expected a value, found T'],
    ['nul', 3, 'expected null, found the end of the text'],
    ['trie', 2, 'expected true, found i'],
    ['nullx', 4, 'expected nothing after the value, found x'],
    ["'a'", 0, "expected a value, found '"],
    ['01', 1, 'a number must not begin with 0'],
    ['-00', 2, 'a number must not begin with 0'],
    ['-', 1, 'expected a digit, found the end of the text'],
    ['+1', 0, 'expected a value, found +'],
    ['.5', 0, 'expected a value, found .'],
    ['1.', 2, 'expected a digit, found the end of the text'],
    ['1.e5', 2, 'expected a digit, found e'],
    ['1e', 2, 'expected a digit, found the end of the text'],
    ['1e+', 3, 'expected a digit, found the end of the text'],
    ['0x10', 1, 'expected nothing after the value, found x'],
    ['1_000', 1, 'expected nothing after the value, found _'],
    ['1 2', 2, 'expected nothing after the value, found 2'],
    ['{}{}', 2, 'expected nothing after the value, found {'],
    ['1,', 1, 'expected nothing after the value, found ,'],
    ['[1,]', 3, 'expected a value, found ]'],
    ['[,1]', 1, 'expected a value or ], found ,'],
    ['[1 2]', 3, 'expected , or ], found 2'],
    ['[1}', 2, 'expected , or ], found }'],
    ['[}', 1, 'expected a value, found }'],
    ['[', 1, 'expected a value or ], found the end of the text'],
    ['[1', 2, 'expected , or ], found the end of the text'],
    ['["a":1]', 4, 'expected , or ], found :'],
    ['{"a":1,}', 7, 'expected a member name in double quotes, found }'],
    ['{,}', 1, 'expected a member name in double quotes or }, found ,'],
    ['{a:1}', 1, 'expected a member name in double quotes or }, found a'],
    ['{1:1}', 1, 'expected a member name in double quotes or }, found 1'],
    ['{"a"}', 4, 'expected : after the member name, found }'],
    ['{"a" 1}', 5, 'expected : after the member name, found 1'],
    ['{"a":}', 5, 'expected a value, found }'],
    ['{"a":1:2}', 6, 'expected , or }, found :'],
    ['{"a":1 "b":2}', 7, 'expected , or }, found "'],
    ['{]', 1, 'expected a member name in double quotes or }, found ]'],
    ['}', 0, 'expected a value, found }'],
    [']', 0, 'expected a value, found ]'],
    ['{"a":1', 6, 'expected , or }, found the end of the text'],
    ['[1]//', 3, 'expected nothing after the value, found /'],
    ['/* */1', 0, 'expected a value, found /'],
    ['\u00a01', 0, 'expected a value, found the byte 0xc2'],
    ['\v1', 0, 'expected a value, found the control character 0x0b'],
    ['\u00001', 0, 'expected a value, found the control character 0x00'],
    ['1\u0000', 1, 'expected nothing after the value, found the control character 0x00'],
    ['"abc', 4, 'the text ends inside a string'],
    ['"abc\\', 5, 'the text ends inside a string'],
    ['"abc\\"', 6, 'the text ends inside a string'],
    ['"\\u12', 5, 'the text ends inside a string'],
    ['"a\nb"', 2, 'a string holds the control character 0x0a, which must be written as an escape'],
    ['{"a\tb":1}', 3, 'a string holds the control character 0x09, which must be written as an escape'],
    ['"\u0000"', 1, 'a string holds the control character 0x00, which must be written as an escape'],
    [
      '"\\x41"',
      2,
      'expected one of " \\ / b f n r t, or u and four hexadecimal digits, after a backslash, found x',
    ],
    [
      '"\\u12G4"',
      5,
      'expected one of " \\ / b f n r t, or u and four hexadecimal digits, after a backslash, found G',
    ],
    [
      '"\\U0041"',
      2,
      'expected one of " \\ / b f n r t, or u and four hexadecimal digits, after a backslash, found U',
    ],
  ])('refuses %j at byte %i: %s', (text, at, message) => {
    expect(scan(Buffer.from(text), 3)).toEqual({ ok: false, message, at })
  })

  test('refuses each control character at every place of a string, and takes DEL and all bytes from 0x80', () => {
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 0x22 || byte === 0x5c) continue
      for (let place = 1; place < 12; place++) {
        const text = Buffer.from('"abcdefghijk"')
        text[place] = byte
        expect(scan(text).ok).toBe(byte >= 0x20)
      }
    }
  })

  test('reads the asked bytes of a larger buffer, wherever they lie', () => {
    for (let shift = 0; shift < 9; shift++) {
      const around = Buffer.from(`${'"'.repeat(shift)}{"a": ["x"]}"}]`)
      const result = scan(around.subarray(shift, shift + 12), 2)
      expect(result).toMatchObject({ ok: true, root: { start: 0, end: 12, members: [{ name: 'a' }] } })
    }
  })
})

describe('nodes', () => {
  const text = ' {"k\\u0065y" : [1, {"x":"é"}], "é":{ },"key":true} '
  const node = (kind: string, source: string, spaced = false) => {
    const start = Buffer.byteLength(text.slice(0, text.indexOf(source)))
    return { kind, start, end: start + Buffer.byteLength(source), spaced }
  }
  const root = node('object', text.trim(), true)

  test('level 0 is the root alone', () => {
    expect(accepted(text).root).toEqual(root)
  })

  test('level 1 is its members, in order, repeats included, names decoded', () => {
    expect(accepted(text, 1).root).toEqual({
      ...root,
      members: [
        { name: 'key', value: node('array', '[1, {"x":"é"}]', true) },
        { name: 'é', value: node('object', '{ }', true) },
        { name: 'key', value: node('boolean', 'true') },
      ],
    })
  })

  test('level 2 is theirs too, and says where white space lies', () => {
    expect(accepted(text, 2).root.members?.map((member) => member.value)).toEqual([
      {
        ...node('array', '[1, {"x":"é"}]', true),
        elements: [node('number', '1'), node('object', '{"x":"é"}')],
      },
      { ...node('object', '{ }', true), members: [] },
      node('boolean', 'true'),
    ])
  })

  test('white space before, behind and inside strings is not inside a node', () => {
    expect(accepted(' \n["a b"]\n', 1).root).toMatchObject({ spaced: false, elements: [{ spaced: false }] })
    expect(accepted('[ {} ]', 1).root).toMatchObject({ spaced: true, elements: [{ spaced: false }] })
  })

  test('names are told apart and decoded alike however often and in whatever form they come', () => {
    const names = [
      'a',
      'b',
      'ab',
      'aXb',
      'aYb',
      'é',
      'e\u0301',
      '😀',
      '\\',
      '\\\\',
      '"',
      '\n',
      ' ',
      '',
      'é'.repeat(30),
    ]
    const plain = `{${names.map((name) => `${JSON.stringify(name)}:1`).join(',')}}`
    for (let round = 0; round < 3; round++) {
      const { root, flaw } = accepted(plain, 1)
      expect(root.members?.map((member) => member.name)).toEqual(names)
      expect(flaw).toBeUndefined()
    }
    // Two bytes that, read one by one, are the letters of a name read before.
    expect(accepted(Buffer.from('7b22c3a9223a317d', 'hex'), 1).root.members?.[0]?.name).toBe('é')
  })
})

describe('flaws', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

  test.each([
    ['a byte that is no UTF-8', Buffer.from([0x22, 0x61, 0xff, 0x22]), 'no UTF-8 at byte 2'],
    ['a character cut short', Buffer.from([0x22, 0xc3, 0xa9, 0xe2, 0x82, 0x22]), 'no UTF-8 at byte 3'],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'no UTF-8 at byte 1'],
    ['a surrogate as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'no UTF-8 at byte 1'],
    ['what lies above U+10FFFF', Buffer.from([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]), 'no UTF-8 at byte 1'],
    ['a bad byte in a name', Buffer.from([0x7b, 0x22, 0x80, 0x22, 0x3a, 0x31, 0x7d]), 'no UTF-8 at byte 2'],
    ['half a pair', Buffer.from('["\\ud800"]'), 'half a surrogate pair at byte 2'],
    ['the other half', Buffer.from('["a\\udc00"]'), 'half a surrogate pair at byte 3'],
    ['a pair the wrong way round', Buffer.from('"\\udc00\\ud800"'), 'half a surrogate pair at byte 1'],
    ['a half before another escape', Buffer.from('"\\uD83D\\u0041"'), 'half a surrogate pair at byte 1'],
    ['a half between characters', Buffer.from('"\\ud83d\\\\ude00"'), 'half a surrogate pair at byte 1'],
    ['half a pair in a name', Buffer.from('{"\\ud800":1}'), 'half a surrogate pair at byte 2'],
  ])('INVALID_UNICODE: %s', (_, text, detail) => {
    expect(scan(text, 1)).toMatchObject({ ok: true, flaw: 'INVALID_UNICODE', flawDetail: detail })
  })

  test('a whole surrogate pair is no flaw', () => {
    expect(accepted('["\\ud83d\\ude00","\\uDBFF\\uDFFF","😀"]').flaw).toBeUndefined()
  })

  test('TOO_DEEP begins above 100 levels', () => {
    expect(accepted('1').flaw).toBeUndefined()
    expect(accepted(nested(depthMax)).flaw).toBeUndefined()
    expect(accepted(nested(depthMax + 1))).toMatchObject({
      flaw: 'TOO_DEEP',
      flawDetail: '101 levels, at most 100',
    })
    expect(accepted(`${'{"a":'.repeat(depthMax)}1${'}'.repeat(depthMax)}`).flaw).toBeUndefined()
    expect(accepted(`${'{"a":'.repeat(depthMax + 1)}1${'}'.repeat(depthMax + 1)}`).flaw).toBe('TOO_DEEP')
  })

  test.each([
    ['{"a":1,"b":2,"a":3}', '"a" again at byte 13'],
    ['{"a":1,"\\u0061":2}', '"a" again at byte 7'],
    ['{"\\u0061":1,"a":2}', '"a" again at byte 12'],
    ['{"é":1,"\\u00E9":2}', '"é" again at byte 8'],
    ['{"":1,"":2}', '"" again at byte 6'],
    ['[1,{"x":{"y":[{"a":1,"a":1}]}}]', '"a" again at byte 21'],
    ['{"a":{"b":1,"c":{}},"a":2}', '"a" again at byte 20'],
    ['{"__proto__":1,"__proto__":2}', '"__proto__" again at byte 15'],
  ])('DUPLICATE_MEMBER: %s', (text, detail) => {
    for (const levels of [0, 1, 9]) {
      expect(accepted(text, levels)).toMatchObject({ flaw: 'DUPLICATE_MEMBER', flawDetail: detail })
    }
  })

  test('the same name in different objects is no flaw', () => {
    expect(accepted('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":1,"a ":1}').flaw).toBeUndefined()
    expect(accepted('[{"\\u0061":1},{"a":1},{"\\u0061":1}]').flaw).toBeUndefined()
  })

  test('a repeat is found at every place of objects of any size', () => {
    for (const size of [2, 15, 16, 17, 18, 40]) {
      const members = Array.from({ length: size }, (_, i) => `"name${i}":{"name0":1}`)
      expect(accepted(`{${members}}`).flaw).toBeUndefined()
      for (let repeated = 0; repeated < size; repeated++) {
        expect(accepted(`{${members},"name${repeated}":2}`).flaw).toBe('DUPLICATE_MEMBER')
        expect(accepted(`{${members},"n\\u0061me${repeated}":2}`).flaw).toBe('DUPLICATE_MEMBER')
      }
    }
  })

  test('of several the first of the list is told, wherever they stand', () => {
    const deep = nested(101)
    expect(accepted(`{"a":1,"a":${deep},"c":"\\ud800"}`).flaw).toBe('INVALID_UNICODE')
    expect(accepted(`{"a":1,"a":${deep}}`).flaw).toBe('TOO_DEEP')
    expect(accepted(`[${deep},{"a":1,"a":2}]`).flaw).toBe('TOO_DEEP')
    const bytes = Buffer.from(`{"a":1,"a":${deep},"c":"?"}`)
    bytes[bytes.lastIndexOf('?')] = 0xfe
    expect(accepted(bytes).flaw).toBe('INVALID_UNICODE')
  })

  test('a flaw does not hide a fault behind it', () => {
    expect(scan(Buffer.from('{"a":1,"a":2'))).toMatchObject({ ok: false, at: 12 })
    expect(scan(Buffer.from(`${'['.repeat(500)}x`))).toMatchObject({ ok: false, at: 500 })
    expect(scan(Buffer.from('["\\ud800",]'))).toMatchObject({ ok: false, at: 10 })
  })
})

describe('hostile texts take time in proportion to their size', () => {
  const million = 1_000_000
  const innermost = (node: JsonNode): JsonNode => (node.elements?.[0] ? innermost(node.elements[0]) : node)

  test.each([
    ['nested arrays', '['.repeat(million) + ']'.repeat(million), 'TOO_DEEP'],
    ['nested objects', `${'{"a":'.repeat(million)}1${'}'.repeat(million)}`, 'TOO_DEEP'],
    ['members', `{${Array.from({ length: million }, (_, i) => `"${i}":0`)}}`, undefined],
    [
      'members with long names',
      `{${Array.from({ length: 100_000 }, (_, i) => `"${'a'.repeat(99)}${i}":0`)}}`,
      undefined,
    ],
    ['members of one name', `{${'"a":0,'.repeat(million)}"a":0}`, 'DUPLICATE_MEMBER'],
    ['members with escapes', `{${Array.from({ length: 300_000 }, (_, i) => `"\\n${i}":0`)}}`, undefined],
    ['small objects', `[${'{"a":0,"b":0},'.repeat(million)}{}]`, undefined],
    ['small objects with escapes in names', `[${'{"\\n":0},'.repeat(300_000)}{}]`, undefined],
    ['escapes', `"${'\\"'.repeat(million)}"`, undefined],
    ['halves of pairs', `"${'\\ud800'.repeat(million)}"`, 'INVALID_UNICODE'],
    ['white space', `[${' '.repeat(million)}]`, undefined],
    ['digits', '1'.repeat(million), undefined],
  ])('a million %s', (_, text, flaw) => {
    expect(accepted(text).flaw).toBe(flaw)
  })

  test('a million open brackets are a fault at the end', () => {
    expect(scan(Buffer.from('['.repeat(million)))).toMatchObject({ ok: false, at: million })
  })

  test('nodes are given as deep as asked, below the limit and above', () => {
    const { root } = accepted('['.repeat(3000) + ']'.repeat(3000), 2999)
    expect(innermost(root)).toEqual({ kind: 'array', start: 2999, end: 3001, spaced: false })
  })

  test('a text far too deep leaves nothing behind for the next', () => {
    accepted('['.repeat(100_000) + ']'.repeat(100_000))
    expect(accepted('{"a":[{"a":1}]}')).toMatchObject({ ok: true })
    expect(scan(Buffer.from('{"a":1]'))).toMatchObject({ ok: false, at: 6 })
  })
})
