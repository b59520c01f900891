import { Broken } from '../campaign.ts'
import { judge } from './history.ts'
import type { Subject } from './subject.ts'

/** Nothing that clients saw contradicts the promises. @throws Broken with what was lost and what is double */
export function checkHistory({ load, readings }: Pick<Subject, 'load' | 'readings'>): void {
  const breaches = judge(load.exchanges, readings)
  if (breaches.length === 0) return
  const count = (...kinds: string[]) => breaches.filter(({ kind }) => kinds.includes(kind)).length
  const told = breaches.slice(0, 5).map(({ kind, what }) => `${kind}: ${what}`)
  throw new Broken(`${breaches.length} breaches in what clients saw\n${told.join('\n')}`, {
    lost: count('lost', 'vanished'),
    double: count('double', 'two at one offset'),
  })
}

/** Nobody was refused without cause. */
export function checkAnswers(subject: Subject): void {
  const unexcused = subject.unexcused()
  const [first] = unexcused
  if (!first) return
  const { topic, status = 'a broken connection', beganMs, endedMs } = first
  throw new Broken(
    `${unexcused.length} requests were refused without cause, the first for ${topic} with ${status}, ` +
      `after ${Math.round(endedMs - beganMs)} ms, ${Math.round(performance.now() - endedMs)} ms ago`,
  )
}

/** Its own account closes. */
export async function checkVerify(subject: Subject): Promise<void> {
  const { ok, checks } = await subject.ask('verify', {})
  if (!ok) throw new Broken(`verify: ${JSON.stringify(checks.filter((check) => !check.ok))}`)
}

/** What has landed is cleaned as a batch, and then the account closes. */
async function checkBatch(subject: Subject): Promise<void> {
  const { verify } = await subject.ask('runBatch', {})
  if (!verify.ok) throw new Broken(`verify: ${JSON.stringify(verify.checks.filter(({ ok }) => !ok))}`)
}

/** What is asked of the platform's own account after a fault; the last question of a run is always `batch`. */
export type Asked = 'nothing' | 'verify' | 'batch'

/** After a fault, with clients at work: it lives, it remembers, its account closes, and every stage goes on. */
export async function checkAfterFault(subject: Subject, asked: Asked): Promise<void> {
  const goesOn = subject.watch()
  const readings = await subject.readAll()
  checkHistory({ load: subject.load, readings })
  if (asked === 'verify') await checkVerify(subject)
  if (asked === 'batch') await checkBatch(subject)
  await goesOn()
  checkAnswers(subject)
}
