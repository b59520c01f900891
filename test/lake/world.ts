import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { NewRecord } from '../../src/core/index.ts'
import { EpochLog, type LandEntry, Landing, type Range } from '../../src/lake/index.ts'
import { EmbeddedLog, type EmbeddedLogOptions } from '../../src/log/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'

/** A real log, an epoch log and a lake in memory. Times are the clock's. */
export interface World {
  clock: { nowMs: number }
  log: EmbeddedLog
  store: MemoryStore
  epochs: EpochLog
  landing: Landing
  append(topic: string, values: (string | null)[], partition?: number): Promise<void>
  /** Take what waits in these topic partitions. */
  take(...places: [topic: string, partition?: number][]): Promise<number>
  land(flushSize: number): Promise<LandEntry>
}

const everything = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }

export async function openWorld(
  topics: Record<string, number> = { t: 2, u: 1 },
  options: Partial<EmbeddedLogOptions> & { topicsFolder?: string } = {},
): Promise<World> {
  const clock = { nowMs: 1_000 }
  const folder = await mkdtemp(join(tmpdir(), 'lake-'))
  const log = await EmbeddedLog.open(folder, {
    recordBytesMax: 10 * 2 ** 20,
    segmentBytes: 2 ** 30,
    segmentAgeMs: 1e12,
    freeBytesMin: 0,
    clock: () => clock.nowMs,
    ...options,
  })
  onTestFinished(async () => {
    await log.close()
    await rm(folder, { recursive: true })
  })
  for (const [name, partitions] of Object.entries(topics))
    await log.createTopic(name, { partitions, partitioner: 'kafka' })
  const store = new MemoryStore(() => clock.nowMs)
  const epochs = await EpochLog.open(store, 'p', () => clock.nowMs)
  return {
    clock,
    log,
    store,
    epochs,
    landing: new Landing(store, 'p', options.topicsFolder ?? 'topics'),
    append: async (topic, values, partition = 0) => {
      const records = values.map(
        (value): NewRecord => ({ key: null, value: value === null ? null : Buffer.from(value) }),
      )
      await log.append({ topic, partition, records })
    },
    take: async (...places) => {
      const ranges = places.map(([topic, partition = 0]): Range => {
        const from = epochs.position(topic, partition)
        const extent = log.extent(topic, partition, from, everything)!
        return { topic, partition, from, to: extent.to, count: extent.count, bytes: extent.bytes }
      })
      return (await epochs.take(log.id, ranges))!
    },
    land: async (flushSize) => epochs.landEntry((await epochs.land(log.id, flushSize))!),
  }
}

/** The objects of a store that are no entries of the epoch log, as text. */
export function lakeOf(store: MemoryStore): Record<string, string> {
  const objects = [...store.objects].filter(([key]) => !key.includes('/epochs/')).sort()
  return Object.fromEntries(objects.map(([key, { content }]) => [key, String(content)]))
}

export const markerKey = (land: number): string => `_pinflow/p/landed/${String(land).padStart(20, '0')}.json`
