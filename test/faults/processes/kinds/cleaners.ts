import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Broken } from '../../campaign.ts'
import type { Fault } from '../fault.ts'

const run = promisify(execFile)

/** Two cleaners on each table while the platform is down: one wins each version, and every record counts once. */
export const cleaners: Fault = async (subject, random) => {
  await subject.excusing(async () => {
    // Nothing is taken for a while, so that both have something to do.
    subject.arm({ point: 'take', harm: 'delay', at: 1, times: 1, delayMs: 60_000 })
    await sleep(300 + random(500))
    await subject.kill()
    const [command = '', ...before] = [...subject.place.before, process.execPath]
    const script = join(import.meta.dirname, '..', 'race-cleaners.ts')
    const { NODE_OPTIONS: _, ...env } = subject.env
    const { stdout } = await run(command, [...before, script, subject.place.data], {
      env: { ...process.env, ...env },
    })
    const { commits, beaten } = JSON.parse(stdout) as { commits: number; beaten: number }
    if (commits === 0) throw new Broken('two cleaners found nothing to do')
    subject.note('versions that a cleaner lost to another', beaten)
    await subject.start()
  })
  return ['two cleaners on each table']
}
