import { setTimeout as sleep } from 'node:timers/promises'
import { Broken } from '../../campaign.ts'
import type { Fault } from '../fault.ts'

/** SIGTERM in the middle of work: what was received is finished, the exit code is 0, and nothing is left to land. */
export const end: Fault = async (subject, random) => {
  await subject.excusing(async () => {
    await sleep(random(300))
    const { server } = subject
    server.child.kill('SIGTERM')
    await subject.end()
    if (subject.exit.code !== 0)
      throw new Broken(`after SIGTERM it ended with ${JSON.stringify(subject.exit)}: ${server.stderr()}`)
    await subject.start()
  })
  return ['SIGTERM under load']
}
