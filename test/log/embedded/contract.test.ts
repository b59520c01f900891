import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedLog } from '../../../src/log/index.ts'
import { describeLog } from '../../contract/log.ts'
import { options } from './support.ts'

for (const [name, segmentBytes] of [
  ['embedded log', 2 ** 30],
  ['embedded log, a segment for each append', 0],
] as const) {
  describeLog(name, async (setting) => {
    const folder = await mkdtemp(join(tmpdir(), 'log-'))
    const open = () => EmbeddedLog.open(folder, { ...options, ...setting, segmentBytes })
    let log = await open()
    return {
      log,
      reopen: async () => {
        await log.close()
        log = await open()
        return log
      },
      remove: async () => {
        await log.close()
        await rm(folder, { recursive: true })
      },
    }
  })
}
