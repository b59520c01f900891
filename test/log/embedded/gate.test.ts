import { expect, test } from 'vitest'
import { freeBytes } from '../../../src/core/index.ts'
import { Gate } from '../../../src/log/embedded/gate.ts'
import { temporaryFolder } from './support.ts'

/** A gate whose reserve leaves so many bytes. */
async function gateLeaving(bytes: number): Promise<Gate> {
  const folder = await temporaryFolder()
  return new Gate({
    folder,
    freeBytesMin: freeBytes(folder) - bytes,
    reopen: async () => undefined,
    onFatal: (error) => expect.unreachable(error.message),
  })
}

const full = expect.objectContaining({ code: 'LOG_FULL' })

test('a gate refuses the write that its reserve does not allow, and not a smaller one after it', async () => {
  const gate = await gateLeaving(2 ** 30)
  gate.checkSpace(2 ** 20)
  expect(() => gate.checkSpace(2 ** 40)).toThrow(full)
  gate.checkSpace(2 ** 20)
  gate.refuseUnlessOpen()
  await gate.close()
})

test('a gate closes to all when its reserve is reached', async () => {
  const gate = await gateLeaving(-(2 ** 30))
  gate.checkSpace(1)
  expect(() => gate.refuseUnlessOpen()).toThrow(full)
  await gate.close()
})
