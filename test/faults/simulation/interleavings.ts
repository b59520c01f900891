/**
 * Campaign `interleavings`: two workers meet in one piece of work, and every order of their operations is tried, down to
 * those that cannot be told apart; then the same with the second dying at each of its writings, with and without effect.
 * One run is the whole of one meeting.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine } from '../../../src/engine/index.ts'
import type { Campaign, Outcome } from '../campaign.ts'
import { type Explored, explore } from './explore.ts'
import { bad, type Crash, good, type Meeting, MeetingWorld, type Part } from './meeting.ts'
import { RememberingEngine } from './remembering-engine.ts'

/** Do a chore so many times, or until there is no more to do. */
const chore =
  (name: string, most = 20): Part =>
  async (worker) => {
    const step = worker.chores[name]!
    for (let left = most; left > 0 && (await step()); left--);
  }
const inTurn =
  (...parts: Part[]): Part =>
  async (worker) => {
    for (const part of parts) await part(worker)
  }
const sequence = chore('sequence')
const land = chore('land')
const stream = chore('stream')
const taken = inTurn(sequence, land)

interface Bounded extends Meeting {
  /**
   * Whether the second worker also dies, at each of its writings: either does, where both do the same. (A rebuild that is
   * cut off beside another worker would take longer than all the rest: the simulation's seeds do that.)
   */
  crashes: boolean
}

const some = [[good(0), bad(1)], [good(0)]]

const meetings: readonly Bounded[] = [
  {
    name: 'begin',
    records: some,
    opens: true,
    parts: [async () => undefined, async () => undefined],
    crashes: true,
  },
  {
    name: 'take',
    records: some,
    takeMax: 1,
    parts: [chore('sequence', 1), chore('sequence', 1)],
    crashes: true,
  },
  { name: 'take and land', records: some, parts: [taken, taken], crashes: true },
  { name: 'land', records: some, flushSize: 1, before: sequence, parts: [land, land], crashes: true },
  {
    name: 'land, and forget',
    records: some,
    before: sequence,
    parts: [inTurn(land, chore('keep', 1)), inTurn(land, chore('keep', 1))],
    crashes: true,
  },
  {
    name: 'create tables',
    records: some,
    cleans: true,
    parts: [chore('stream', 1), chore('stream', 1)],
    crashes: true,
  },
  {
    name: 'commit a group',
    records: some,
    cleans: true,
    before: inTurn(stream, sequence),
    parts: [chore('stream', 1), chore('stream', 1)],
    crashes: true,
  },
  {
    name: 'rebuild, and commit a group',
    records: some,
    cleans: true,
    before: inTurn(stream, sequence, land),
    parts: [(worker) => worker.rebuild('stream'), chore('stream', 1)],
    crashes: false,
  },
]

const most = 200_000
let folder: string
let engine: Engine
let remembering: RememberingEngine

async function run(seed: number): Promise<Outcome> {
  const meeting = meetings[seed % meetings.length]!
  let crashed = false
  const enumerate = (crash?: Crash): Promise<Explored> => {
    crashed = false
    const open = async () => {
      const world = await MeetingWorld.open(meeting, join(folder, 'run'), remembering.asEngine, crash)
      const close = world.close.bind(world)
      world.close = async () => {
        crashed ||= world.crashed
        await close()
      }
      return world
    }
    return explore(open, most)
  }
  const plain = await enumerate()
  console.log(`${meeting.name}: ${plain.interleavings} interleavings (${plain.redundant} cut off)`)
  let dying = 0
  for (let writing = 1; meeting.crashes; writing++) {
    for (const effect of [false, true]) {
      const { interleavings } = await enumerate({ writing, effect })
      if (crashed) dying += interleavings
    }
    // Beyond its last writing it does not die any more.
    if (!crashed) break
  }
  if (dying > 0) console.log(`${meeting.name}: ${dying} interleavings in which one dies`)
  return {
    faults: {
      [`interleavings: ${meeting.name}`]: plain.interleavings,
      ...(dying > 0 && { [`with a crash: ${meeting.name}`]: dying }),
    },
    records: (plain.interleavings + dying) * meeting.records.flat().length,
  }
}

export const interleavings: Campaign = {
  name: 'interleavings',
  runs: meetings.length,
  budgetSeconds: 600,
  async open() {
    const memory = '/dev/shm'
    folder = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), 'pinflow-interleavings-'))
    engine = await Engine.open({ memoryBytes: 2 ** 29, threads: 1, temporaryFolder: folder })
    remembering = new RememberingEngine(engine, folder)
  },
  run,
  async close() {
    engine.close()
    await rm(folder, { recursive: true, force: true })
  },
}
