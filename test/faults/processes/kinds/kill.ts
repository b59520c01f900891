import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { type Plan, type Point, soon } from '../plan.ts'
import type { Subject } from '../subject.ts'

const kind = 'kill -9 at a random instant'

/** Kill −9 at a random instant; one time in three while a batch is cleaned, one in three just after it has started. */
export const killAtInstant: Fault = async (subject, random) => {
  const when = random(3)
  if (when === 0) beginBatch(subject)
  await subject.excusing(async () => {
    await sleep(random(600))
    await subject.kill()
    await subject.start()
    if (when !== 1) return
    await sleep(random(100))
    await subject.kill()
    await subject.start()
  })
  return when === 1 ? [kind, 'kill -9 just after a start'] : [kind]
}

/** What a batch does, too. */
const ofTables: readonly Point[] = [
  'data file',
  'quarantine commit',
  'data commit',
  'checkpoint',
  'key index',
]

/** Kill −9 just before or after a step of its work. */
export function killAt(point: Point, harm: 'kill before' | 'kill after'): Fault {
  return async (subject, random) => {
    const plan: Plan = { point, harm, at: 1 + random(soon[point]), times: 1 }
    // What was said to be done before it is has time to reach those who are told.
    if (harm === 'kill before') plan.delayMs = random(100)
    if (ofTables.includes(point) && random(3) === 0) beginBatch(subject)
    await subject.excusing(async () => {
      subject.arm(plan)
      await subject.end(`${harm} ${point}`)
      await subject.start()
    })
    return [`${harm.replace('kill', 'kill -9')} ${point}`]
  }
}

/** Nobody waits: the process will not live to answer. */
function beginBatch(subject: Subject): void {
  subject.ask('runBatch', {}).catch(() => undefined)
}
