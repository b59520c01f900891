import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Broken } from '../../campaign.ts'
import type { Fault, Random } from '../fault.ts'
import type { Subject } from '../subject.ts'

const run = promisify(execFile)

/** Races until one shows something: who is first is for the machine to decide. */
const racesMax = 5

/** What one of two cleaners did. */
interface Raced {
  commits: number
  /** Versions that it wanted to commit, and that were there already. */
  beaten: number
}

/** Two cleaners on each table while the platform is down: one wins each version, and every record counts once. */
export const cleaners: Fault = async (subject, random) => {
  const sums: Raced[] = []
  await subject.excusing(async () => {
    for (let race = 0; race < racesMax && whyNoRace(sums) !== undefined; race++) {
      for (const [which, { commits, beaten }] of (await raceOnce(subject, random)).entries()) {
        const before = sums[which] ?? { commits: 0, beaten: 0 }
        sums[which] = { commits: before.commits + commits, beaten: before.beaten + beaten }
      }
      await subject.start()
    }
  })
  const why = whyNoRace(sums)
  if (why !== undefined) throw new Broken(`in ${racesMax} races ${why}: ${JSON.stringify(sums)}`)
  subject.note('versions that a cleaner lost to another', beatenOf(sums))
  return ['two cleaners on each table']
}

const beatenOf = (sums: readonly Raced[]): number => sums.reduce((total, { beaten }) => total + beaten, 0)

/** What races have not shown so far; undefined when they have shown all. */
export function whyNoRace(sums: readonly Raced[]): string | undefined {
  if (sums.length < 2 || sums.some(({ commits }) => commits === 0)) return 'not both cleaners committed'
  return beatenOf(sums) === 0 ? 'no cleaner lost a version to the other' : undefined
}

/** Leave something to do, end the platform, and let two cleaners do it. @returns what each did */
async function raceOnce(subject: Subject, random: Random): Promise<Raced[]> {
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
  return JSON.parse(stdout) as Raced[]
}
