import type { Outcome } from '../../campaign.ts'
import { checkAccount, checkMemory, mebibytes } from '../checks.ts'
import type { Records } from '../records.ts'
import { Subject, type SubjectOptions } from '../subject.ts'
import { Tally } from '../tally.ts'

/** One way of asking more than there is room for. */
export interface Scenario {
  name: string
  run(records: Records): Promise<Outcome>
}

/** What a scenario does to a platform; it gives further figures. */
type Act = (subject: Subject, tally: Tally) => Promise<Record<string, number[]>>

/**
 * A platform of its own, acted upon; then everything comes through, and it never took more memory than its cap.
 *
 * @throws Broken
 */
export async function withSubject(name: string, options: SubjectOptions, act: Act): Promise<Outcome> {
  const subject = await Subject.open(options)
  try {
    const tally = new Tally()
    const figures = await act(subject, tally)
    const underLoad = subject.takePeakBytes()
    const records = await checkAccount(subject, tally)
    checkMemory(subject)
    return {
      faults: { [name]: 1 },
      records,
      figures: {
        [`MiB at most, ${name}`]: [mebibytes(underLoad)],
        [`MiB at most while it came through, ${name}`]: [mebibytes(subject.takePeakBytes())],
        ...figures,
      },
    }
  } finally {
    await subject.remove()
  }
}
