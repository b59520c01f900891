import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { table } from '../../../src/cli/render/table.ts'

const two = [
  { name: 'category', right: false },
  { name: 'pins', right: true },
]

describe('table', () => {
  test('aligns text to the left and numbers to the right, without lines between', () => {
    expect(
      table(two, [
        ['art', '7'],
        ['', '1,200'],
      ]).split('\n'),
    ).toEqual(['  category   pins', '  art           7', '            1,200'])
  })

  test('shows what control characters there are, and obeys none', () => {
    expect(table(two, [['a\n\u001b[31mb', '1']])).toContain('a\\n\\u001b[31mb')
  })

  test.each(['日本', '한국', '🎨🎨', '🇬🇧🇬🇧', 'abcd'])(
    'what follows %s, four columns wide, is aligned',
    (text) => {
      const [, line = ''] = table(two, [[text, '1']]).split('\n')
      expect(line).toBe(`  ${text}${' '.repeat(4)}     1`)
    },
  )

  test('takes as long for each row, however many there are', () => {
    const rows = Array.from({ length: 100_000 }, (_, at) => [`row ${at}`, String(at)])
    expect(table(two, rows).split('\n')).toHaveLength(rows.length + 1)
  })

  test('a row is one line, whatever its text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
        const rows = texts.map((text) => [`x${text}`, '1'])
        expect(table(two, rows).split('\n')).toHaveLength(texts.length + 1)
      }),
    )
  })

  test('what is long is cut', () => {
    const shown = table(two, [['x'.repeat(500), '1']])
    expect(shown).toMatch(/x…\s+1$/)
  })
})
