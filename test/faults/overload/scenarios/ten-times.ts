import { setTimeout as sleep } from 'node:timers/promises'
import { Broken } from '../../campaign.ts'
import { checkMemory, mebibytes } from '../checks.ts'
import { Connections, flood, measureRate, whyNoFlood } from '../flood.ts'
import type { Records } from '../records.ts'
import type { Subject } from '../subject.ts'
import type { Request, Tally } from '../tally.ts'
import { type Scenario, withSubject } from './scenario.ts'

const name = 'ten times the load it can take'
const times = 10
const connectionsCount = 400
const seconds = 60
const secondsAgain = 15
/** Every so often all connections of another kind send a large body at once: more than may be under way. */
const burst = { everyMs: 6_000, connections: 200, bytes: 256 * 1_024 }
/** Between two floods memory may have grown by this share, and by what a measurement varies. */
const growth = { share: 1.1, bytes: 16 * 2 ** 20 }

/** For a minute, and again after everything has come through: the second time takes no more memory than the first. */
export const tenTimes: Scenario = {
  name,
  run: (records) => withSubject(name, {}, (subject, tally) => act(subject, tally, records)),
}

async function act(subject: Subject, tally: Tally, records: Records): Promise<Record<string, number[]>> {
  const requests = records.requests(600, 3)
  let at = 0
  const next = () => requests[at++ % requests.length]!
  const connections = await Connections.open(subject, connectionsCount)
  const others = await Connections.open(subject, burst.connections)
  try {
    const takes = await measureRate(connections, 16, next, tally, 3)
    // With so many clients at once it may take more than with a few.
    const due = (passed: number, taken: number) => Math.ceil(times * Math.max(takes * passed, taken))
    const refused = tally.refused
    const large = records.large(burst.bytes)
    const [first] = await Promise.all([
      flood(connections, due, next, tally, seconds),
      sendBursts(others, tally, () => large),
    ])
    const why = whyNoFlood(first, times)
    if (why !== undefined) throw new Error(`this was not ${name}: ${why}`)
    const refusedInFlood = tally.refused - refused
    const firstBytes = subject.takePeakBytes()
    await subject.call('runBatch')
    checkMemory(subject)
    subject.takePeakBytes()
    await flood(connections, due, next, tally, secondsAgain)
    const secondBytes = subject.takePeakBytes()
    if (secondBytes > firstBytes * growth.share + growth.bytes)
      throw new Broken(
        `${mebibytes(firstBytes)} MiB in a first flood, ${mebibytes(secondBytes)} MiB in a second`,
      )
    return {
      'requests a second it takes from a few clients': [takes],
      'requests a second offered': [first.offered / first.seconds],
      'requests a second it takes of these': [first.taken / first.seconds],
      'requests a second that could not be sent, as all connections waited': [
        (first.offered - first.sent) / first.seconds,
      ],
      'requests refused with Retry-After': [refusedInFlood],
      'MiB at most, first flood': [mebibytes(firstBytes)],
      'MiB at most, second flood': [mebibytes(secondBytes)],
    }
  } finally {
    connections.close()
    others.close()
  }
}

async function sendBursts(connections: Connections, tally: Tally, next: () => Request): Promise<void> {
  for (let left = Math.floor((seconds * 1_000) / burst.everyMs) - 1; left > 0; left--) {
    await sleep(burst.everyMs)
    await Promise.all(
      Array.from({ length: connections.count }, (_, at) => connections.send(at, tally, next())),
    )
  }
}
