import { expect, test } from 'vitest'
import { Appender, expectAcknowledged } from './child.ts'
import { temporaryFolder } from './support.ts'

test('a process killed while it appends loses nothing that it acknowledged, life after life', async () => {
  const folder = await temporaryFolder()
  const acknowledged = new Map<number, string>()
  let end = 0
  for (const acks of [1, 200, 400]) {
    const appender = new Appender(folder, 600)
    await appender.next('ack', acks)
    await appender.kill()
    for (const [offset, name] of appender.acknowledged) {
      expect(acknowledged.has(offset)).toBe(false)
      acknowledged.set(offset, name)
      expect(offset).toBeGreaterThanOrEqual(end)
    }
    end = await expectAcknowledged(folder, acknowledged)
  }
  expect(acknowledged.size).toBeGreaterThan(600)
})
