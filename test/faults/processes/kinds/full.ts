import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'

/** No space for a while, then space again: it goes on by itself. */
export const full: Fault = async (subject, random) => {
  const refused = () => subject.load.exchanges.findLast(({ status }) => status === 503)?.endedMs ?? 0
  await subject.excusing(async () => {
    const began = performance.now()
    // What fails for want of space gives back what it had written: that is filled as well.
    await subject.until('nobody is refused with a full disk', () => {
      subject.place.fill()
      return refused() > began
    })
    await sleep(random(700))
    subject.place.free()
    const freed = performance.now()
    await subject.until('nobody is served with space again', () =>
      subject.load.exchanges.some(({ status, beganMs }) => status === 200 && beganMs > freed),
    )
  })
  return ['full disk']
}
