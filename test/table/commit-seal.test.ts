import { expect, test } from 'vitest'
import { parseCommit, serializeCommit } from '../../src/table/actions.ts'

const actions = [
  { commitInfo: { operation: 'WRITE', engineInfo: 'pinflow', timestamp: 1, text: 'ü"}}\n' } },
  { txn: { appId: 'a', version: 7 } },
]

test('a commit is read as it was written, and its checksum is no part of what it says', () => {
  expect(parseCommit(serializeCommit(actions), 't')).toEqual(actions)
})

test('any bit changed in a commit, and any end missing, is damage', () => {
  const whole = serializeCommit(actions)
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 1 << bit
      expect(() => parseCommit(changed, 't'), `byte ${at}, bit ${bit}`).toThrow(
        expect.objectContaining({ code: 'TABLE_DAMAGED' }),
      )
    }
    expect(() => parseCommit(whole.subarray(0, at), 't'), `${at} bytes`).toThrow(
      expect.objectContaining({ code: 'TABLE_DAMAGED' }),
    )
  }
})

test('a commit of another writer has no checksum, and is taken as it is', () => {
  const foreign = [{ commitInfo: { operation: 'WRITE', engineInfo: 'other', crc32: 'x' } }, actions[1]!]
  const content = Buffer.from(foreign.map((action) => `${JSON.stringify(action)}\n`).join(''))
  expect(parseCommit(content, 't')).toEqual(foreign)
})
