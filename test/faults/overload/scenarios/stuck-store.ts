import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Broken, type Outcome } from '../../campaign.ts'
import { Connections } from '../flood.ts'
import type { Records } from '../records.ts'
import type { Subject } from '../subject.ts'
import type { Request, Tally } from '../tally.ts'
import { type Scenario, withSubject } from './scenario.ts'

const name = 'a disk that stands still'
const stuckMs = 6_000
const connectionsCount = 200
const bodyBytes = 256 * 1_024

/** The lake, then the log, then the whole process stands still for seconds, and clients go on. */
export const stuckStore: Scenario = { name, run }

async function run(records: Records): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-stuck-'))
  const preload = join(import.meta.dirname, '..', 'stall.ts')
  const env = { OVERLOAD_FOLDER: folder, NODE_OPTIONS: `--import ${preload}` }
  try {
    return await withSubject(name, { env }, (subject, tally) => act(subject, tally, records, folder))
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function act(subject: Subject, tally: Tally, records: Records, folder: string) {
  const connections = await Connections.open(subject, connectionsCount)
  const small = records.requests(300, 20)
  const large = records.large(bodyBytes)
  let at = 0
  const next = (): Request => small[at++ % small.length]!
  try {
    const before = tally.accepted
    await stuck(folder, 'stuck-lake', () => sendFor(connections, 20, next, tally, stuckMs))
    if (tally.accepted === before) throw new Broken('while the lake stood still no door took a record')
    const refusedBefore = tally.refused
    const waiting = stuck(folder, 'stuck-log', () => sleep(stuckMs))
    await Promise.all([waiting, sendFor(connections, connectionsCount, () => large, tally, stuckMs, 250)])
    const refused = tally.refused - refusedBefore
    if (refused === 0) throw new Broken('the log stood still, and more was accepted than is to be held')
    const going = sendFor(connections, 50, next, tally, 4_000)
    await sleep(500)
    subject.signal('SIGSTOP')
    await sleep(2_000)
    subject.signal('SIGCONT')
    await going
    return { 'requests refused while the log stood still': [refused] }
  } finally {
    connections.close()
  }
}

async function stuck(folder: string, what: string, action: () => Promise<void>): Promise<void> {
  const file = join(folder, what)
  await writeFile(file, '')
  try {
    await action()
  } finally {
    await rm(file)
  }
}

async function sendFor(
  connections: Connections,
  clients: number,
  next: () => Request,
  tally: Tally,
  forMs: number,
  pauseMs = 20,
): Promise<void> {
  const until = performance.now() + forMs
  await Promise.all(
    Array.from({ length: clients }, async (_, at) => {
      while (performance.now() < until) {
        await connections.send(at, tally, next())
        await sleep(pauseMs)
      }
    }),
  )
}
