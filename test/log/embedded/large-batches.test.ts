import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EmbeddedLog } from '../../../src/log/index.ts'

/** So much at once that lmdb begins to write before all is put, and tells the puts in another order. */
const appends = 40
const valueBytes = 256 * 1_024

test('a partition ends after its last record, in whichever order a great many bytes are told to be on disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-large-'))
  const options = { recordBytesMax: 2 ** 20, segmentBytes: 2 ** 22, segmentAgeMs: 1e12, freeBytesMin: 0 }
  const log = await EmbeddedLog.open(folder, options)
  onTestFinished(async () => {
    await log.close()
    await rm(folder, { recursive: true, force: true })
  })
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  const records = [{ key: null, value: Buffer.alloc(valueBytes, 'x') }]
  // The segment that each round makes begins where the one before ends, or records between would be in neither.
  for (let round = 1; round <= 3; round++) {
    const told = await Promise.all(
      Array.from({ length: appends }, () => log.append({ topic: 't', partition: 0, records })),
    )
    expect(told.map(({ baseOffset }) => baseOffset)).toEqual(
      Array.from({ length: appends }, (_, at) => (round - 1) * appends + at),
    )
    expect(log.offsets('t', 0).end).toBe(round * appends)
    for (let from = 0; from < round * appends; from += 7) {
      const [first] = log.read('t', 0, from, { records: 1, bytes: 1 })
      expect(first?.offset).toBe(from)
    }
    const whole = log.extent('t', 0, 0, { records: Infinity, bytes: Infinity })
    expect(whole?.count).toBe(round * appends)
  }
})
