import { expect, test } from 'vitest'
import { EpochLog, findOffset, Landing } from '../../src/lake/index.ts'
import { MemoryStore } from '../contract/memory-store.ts'

test('every offset is found in the take that names it, whatever has landed, and by few reads', async () => {
  const store = new MemoryStore()
  const epochs = await EpochLog.open(store, 'p')
  const landing = new Landing(store, 'p', 'topics')
  const wanted: number[] = []
  const place = (offset: number) => ({ topic: 't', partition: 0, offset })
  for (let land = 0; land < 80; land++) {
    for (let take = 0; take < 2; take++) {
      const from = epochs.position('t', 0)
      const gap = land % 50 === 7 && take === 1
      const part = { topic: 't', partition: 0, from, to: from + 3, count: 3 }
      const epoch = await epochs.take(
        'log',
        gap ? [] : [{ ...part, bytes: 9 }],
        gap ? [{ ...part, kind: 'lost', why: 'a test' }] : [],
      )
      for (let offset = from; offset < from + 3; offset++) wanted[offset] = gap ? -1 : epoch!
    }
    const number = await epochs.land('log', 10)
    // The last lands are not in the lake yet.
    if (land < 75)
      await store.put(`_pinflow/p/landed/${String(number).padStart(20, '0')}.json`, Buffer.from(''))
  }
  const last = epochs.position('t', 0)
  const open = await epochs.take('log', [
    { topic: 't', partition: 0, from: last, to: last + 1, count: 1, bytes: 1 },
  ])
  wanted.push(open!)
  // As after a restart, when only the newest land is in memory.
  const again = await EpochLog.open(store, 'p')
  let reads = 0
  const counting = new Proxy(again, {
    get: (target, name) => {
      if (name === 'landEntry')
        return (epoch: number) => {
          reads++
          return target.landEntry(epoch)
        }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  for (const [offset, epoch] of wanted.entries()) {
    reads = 0
    const found = await findOffset(counting, landing, place(offset))
    expect(found?.kind === 'taken' ? found.epoch.epoch : found?.kind === 'gap' ? -1 : 0, `${offset}`).toBe(
      epoch,
    )
    expect(reads).toBeLessThanOrEqual(8)
  }
  expect(await findOffset(again, landing, place(wanted.length))).toBeUndefined()
  expect(await findOffset(again, landing, { topic: 'other', partition: 0, offset: 0 })).toBeUndefined()
})
