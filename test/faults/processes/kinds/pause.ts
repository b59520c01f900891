import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'

/** Stop the process for a while, with requests open, and let it go on: nobody is refused. */
export const pause: Fault = async (subject, random) => {
  await subject.until('no request is open', () => subject.load.open > 0)
  subject.server.child.kill('SIGSTOP')
  await sleep(50 + random(1_200))
  subject.server.child.kill('SIGCONT')
  return ['stopped and continued']
}
