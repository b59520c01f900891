/** The engine's own messages, and where their carets belong. */
import { beforeAll, expect, test } from 'vitest'
import { Engine, type Session } from '../../src/engine/index.ts'
import { withRightCaret } from '../../src/query/index.ts'

let session: Session
beforeAll(async () => {
  const engine = await Engine.open({ memoryBytes: 2 ** 27, threads: 1, temporaryFolder: '/nowhere' })
  session = await engine.connect()
  return () => {
    session.close()
    engine.close()
  }
})

async function messageFor(sql: string): Promise<string> {
  const error = await session.fields(sql).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  )
  return withRightCaret(error?.message ?? '', sql)
}

/** What the last line of SQL in a message shows above the caret, to the end of the line. */
function pointedAt(message: string): string {
  const [, line = '', blanks = ''] = /^(LINE .*)\n( *)\^/m.exec(message) ?? []
  return line.slice(blanks.length)
}

test.each([
  ['SELECT 1 FORM t x', 't x'],
  ["SELECT 'äöüÄÖÜß', 1 FORM t x", 't x'],
  ["SELECT 'ä', nope", 'nope'],
  ["SELECT 'äöü',\n 'ß', 1 FORM t x", 't x'],
  ["SELECT 'äöüäöüäöüäöüäöü'\n, 1\n FORM t x", 't x'],
  ['SELECT\t1,\t\tnope', 'nope'],
  [`SELECT ${"'ü', ".repeat(60)} nope, ${'1, '.repeat(60)} 2`, 'nope'],
  [`SELECT ${"'ü', ".repeat(60)} 1 FORM t x, ${'1, '.repeat(60)} 2`, 't x'],
])('%j: the caret stands below what is wrong', async (sql, wrong) => {
  expect(pointedAt(await messageFor(sql)).startsWith(wrong)).toBe(true)
})

test('a wide character counts as two columns', async () => {
  const message = await messageFor("SELECT '日本語😀', 1 FORM t x")
  const [, line = '', blanks = ''] = /^(LINE .*)\n( *)\^/m.exec(message) ?? []
  // The last of them is two units of a string already.
  expect(blanks.length).toBe(line.indexOf('t x') + 3)
})

test('a word that comes often is found where it is wrong', async () => {
  const message = await messageFor("SELECT 'x x ä', 'x', 'ö x' FORM x x, x")
  expect(pointedAt(message)).toBe('x x, x')
})

test('a message without a line stays as it is', () => {
  expect(withRightCaret('Out of ä memory', 'SELECT ä')).toBe('Out of ä memory')
})
