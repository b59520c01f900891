import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { KeyIndex } from '../../src/clean/key-index.ts'

const hash = (n: number): string => n.toString(16).padStart(64, '0')
const state = { tableId: 'id', generation: 0, version: 3, commit: 'c' }

async function filled(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'keys.lmdb')
  const index = new KeyIndex(path)
  await index.write(
    Array.from({ length: 200 }, (_, n) => [`key ${n}`, hash(n)] as const),
    state,
  )
  await index.close()
  return path
}

test('what was written is there when it is opened again', async () => {
  const index = new KeyIndex(await filled())
  expect(index.damage).toBeUndefined()
  expect(index.state).toEqual(state)
  expect(index.get('key 7')).toBe(hash(7))
  expect(index.get('key 200')).toBeUndefined()
  await index.close()
})

test.each([
  ['a key', Buffer.from('key 77')],
  ['a hash', Buffer.from(hash(77), 'hex')],
  ['the state', Buffer.from('"version":3')],
])('a bit of %s changed: the index begins anew, and says why', async (_, bytes) => {
  const path = await filled()
  const content = readFileSync(path)
  const at = content.lastIndexOf(bytes) + bytes.length - 1
  content[at]! ^= 1
  writeFileSync(path, content)
  const index = new KeyIndex(path)
  expect(index.damage).toBeDefined()
  expect(index.state).toBeUndefined()
  expect(index.get('key 7')).toBeUndefined()
  await index.close()
})

test.each([
  ['zeros', Buffer.alloc(8_192)],
  ['nothing', Buffer.alloc(0)],
  ['other bytes', Buffer.alloc(8_192, 7)],
])('a file of %s does not end the process', async (_, content) => {
  const path = await filled()
  writeFileSync(path, content)
  const index = new KeyIndex(path)
  expect(index.state).toBeUndefined()
  await index.close()
})
