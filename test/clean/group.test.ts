import { expect, test } from 'vitest'
import { nextGroup } from '../../src/clean/group.ts'
import { EpochLog } from '../../src/lake/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'

/** An epoch log of lands with one take each, of a topic each. */
async function epochsOf(...topics: string[]): Promise<EpochLog> {
  const epochs = await EpochLog.open(new MemoryStore(), 'p')
  for (const topic of topics) {
    const from = epochs.position(topic, 0)
    await epochs.take('log', [{ topic, partition: 0, from, to: from + 1, count: 1, bytes: 1 }])
    await epochs.land('log', 10)
  }
  return epochs
}

const limits = { recordsMax: 100, bytesMax: 100 }
const things = new Set(['things'])

test('a stream passes over any number of landings that hold nothing of its dataset', async () => {
  const epochs = await epochsOf('other', 'other', 'things', 'other', 'things')
  const first = await nextGroup(epochs, 0, things, limits, undefined)
  expect(first).toMatchObject({ epochs: [{ epoch: 5, land: 6 }], to: 5 })
  const second = await nextGroup(epochs, 5, things, limits, undefined)
  expect(second).toMatchObject({ epochs: [{ epoch: 9 }], to: 9 })
  expect(await nextGroup(epochs, 9, things, limits, undefined)).toBeUndefined()
})

test('a group covers what comes after it and is empty, up to where it was looked', async () => {
  const epochs = await epochsOf('things', 'other', 'other')
  expect(await nextGroup(epochs, 0, things, limits, 4)).toMatchObject({ epochs: [{ epoch: 1 }], to: 3 })
  expect(await nextGroup(epochs, 3, things, limits, 6)).toMatchObject({ epochs: [], to: 5 })
})
