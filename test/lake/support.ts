import type { EpochLog, Gap, Range } from '../../src/lake/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'

export const logId = 'the log'
export const prefix = '_pinflow/p/epochs/'
export const keyOf = (epoch: number): string => `${prefix}${String(epoch).padStart(20, '0')}.json`
export const hourMs = 3_600_000

export const range = (topic: string, from: number, to: number, partition = 0): Range => ({
  topic,
  partition,
  from,
  to,
  count: to - from,
  bytes: 10 * (to - from),
})

export const gap = (kind: Gap['kind'], topic: string, from: number, to: number): Gap => ({
  topic,
  partition: 0,
  from,
  to,
  count: to - from,
  kind,
  why: 'a test',
})

/** A store on which something happens between one worker's put and its next step. */
export class HookStore extends MemoryStore {
  afterPut: ((key: string) => Promise<void>) | undefined
  gets = 0

  override async putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    const put = await super.putIfAbsent(key, content)
    const hook = this.afterPut
    this.afterPut = undefined
    await hook?.(key)
    return put
  }

  override get(key: string): Promise<Buffer | undefined> {
    this.gets++
    return super.get(key)
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Everything that can be told of an epoch log's history. */
export async function historyOf(epochs: EpochLog) {
  const lands = await epochs.landsAfter(0)
  return {
    newest: epochs.newest,
    newestLand: epochs.newestLand,
    logId: epochs.logId,
    ends: epochs.ends(),
    openTakes: epochs.openTakes,
    lands: await Promise.all(lands.map((land) => epochs.landEntry(land))),
    epochs: await collect(epochs.epochsAfter(0)),
  }
}

/** The takes of a history, and the ranges of each partition in order. */
export async function rangesOf(epochs: EpochLog): Promise<string[]> {
  const all = await collect(epochs.epochsAfter(0))
  return all.flatMap(({ epoch, land, ranges }) =>
    ranges.map(
      ({ topic, partition, from, to }) => `${epoch}>${land ?? ''} ${topic}/${partition} ${from}-${to}`,
    ),
  )
}
