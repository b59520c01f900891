import { expect, test } from 'vitest'
import { freeBytes, type PipelineError } from '../../../src/core/index.ts'
import { Gate } from '../../../src/log/embedded/gate.ts'
import { temporaryFolder } from './support.ts'

test('a gate closes before a write that the reserve does not allow, and not for one that it does', async () => {
  const folder = await temporaryFolder()
  const fatal: PipelineError[] = []
  const gate = new Gate({
    folder,
    freeBytesMin: freeBytes(folder) - 2 ** 30,
    reopen: async () => undefined,
    onFatal: (error) => fatal.push(error),
  })
  gate.checkSpace(2 ** 20)
  gate.refuseUnlessOpen()
  gate.checkSpace(2 ** 40)
  expect(() => gate.refuseUnlessOpen()).toThrow(expect.objectContaining({ code: 'LOG_FULL' }))
  expect(fatal).toEqual([])
  await gate.close()
})
