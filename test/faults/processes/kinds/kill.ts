import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import type { Plan, Point } from '../plan.ts'
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

/** What happens often enough to wait for more than the first. */
const often: readonly Point[] = ['log append', 'flush', 'take', 'data file', 'raw object']
const seldom: readonly Point[] = ['segment roll', 'checkpoint']

/** Kill −9 just before or after a step of its work. */
export function killAt(point: Point, harm: 'kill before' | 'kill after'): Fault {
  return async (subject, random) => {
    const most = often.includes(point) ? 20 : seldom.includes(point) ? 1 : 3
    const plan: Plan = { point, harm, at: 1 + random(most), times: 1 }
    // A batch has commits, checkpoints and indexes of its own.
    if (random(3) === 0) beginBatch(subject)
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
