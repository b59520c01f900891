import type { Fault } from '../fault.ts'
import { type Plan, type Point, soon } from '../plan.ts'

type Harm = Exclude<Plan['harm'], 'kill before' | 'kill after'>

/** What the log cannot do ends the process, for a supervisor to start it again; all else is tried again by itself. */
const ends: readonly Point[] = ['log append', 'segment roll']

/** A store that is slow, that fails, or that says it has failed where it did what it was asked. */
export function store(point: Point, harm: Harm): Fault {
  return async (subject, random) => {
    const times = 1 + random(Math.min(soon[point], harm === 'delay' ? 3 : 2))
    const at = 1 + random(Math.min(soon[point], 3))
    const plan: Plan = { point, harm, at, times }
    if (harm === 'delay') plan.delayMs = 100 + random(900)
    if (harm !== 'delay' && ends.includes(point)) {
      await subject.excusing(async () => {
        subject.arm({ ...plan, times: 1 })
        await subject.end(`${harm} ${point}`)
        await subject.start()
      })
    } else {
      subject.arm(plan)
      await subject.until(`no ${point}`, () => subject.hurt >= times)
    }
    return [`${told[harm]} ${point}`]
  }
}

const told: Record<Harm, string> = {
  delay: 'slow',
  fail: 'failing',
  'fail after': 'timed out, though done:',
}
