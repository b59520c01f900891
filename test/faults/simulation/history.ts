import { Broken } from '../campaign.ts'
import type { SharedStore } from './shared-store.ts'
import { pipelineName } from './worker.ts'

interface Range {
  topic: string
  partition: number
  from: number
  to: number
}

/** An entry of the epoch log as it lies in the store. */
interface Entry {
  kind: string
  epoch: number
  ranges: Range[]
  gaps?: unknown[]
  takes: Entry[]
}

export interface History {
  /** In order. */
  takes: { epoch: number; ranges: Range[] }[]
  lands: number[]
}

export const epochsFolder = `_pinflow/${pipelineName}/epochs/`

/** What the epoch log says, read without any of the code that wrote it: from the newest entry back to the first. */
export function historyOf(store: SharedStore): History {
  const entries = new Map<number, Entry>()
  for (const { key } of store.list(epochsFolder)) {
    const number = Number(key.slice(epochsFolder.length, -'.json'.length))
    if (number > 0) entries.set(number, JSON.parse(String(store.get(key))) as Entry)
  }
  const history: History = { takes: [], lands: [] }
  let at = Math.max(0, ...entries.keys())
  while (at > 0) {
    const entry = entries.get(at)
    if (!entry) throw new Broken(`entry ${at} of the epoch log is missing`)
    if (entry.kind === 'land') {
      history.lands.unshift(at)
      history.takes.unshift(...entry.takes)
      at = entry.takes[0]?.epoch ?? at
    } else history.takes.unshift(entry)
    at--
  }
  return history
}

/** Every record of every partition is in one range, in order. @returns how many */
export function checkHistory({ takes }: History, ends: ReadonlyMap<string, number>): number {
  const reached = new Map<string, number>()
  let records = 0
  for (const { epoch, ranges } of takes) {
    for (const { topic, partition, from, to } of ranges) {
      const key = `${topic}/${partition}`
      const expected = reached.get(key) ?? 0
      if (from !== expected) {
        const counts = from > expected ? { lost: from - expected } : { double: expected - from }
        throw new Broken(`epoch ${epoch} takes ${key} from ${from}, not from ${expected}`, counts)
      }
      reached.set(key, to)
      records += to - from
    }
  }
  for (const [key, end] of ends) {
    const lost = end - (reached.get(key) ?? 0)
    if (lost !== 0)
      throw new Broken(`${key} ends at ${end}, and was taken up to ${reached.get(key)}`, { lost })
  }
  return records
}
