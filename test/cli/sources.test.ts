import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSource } from '../../src/cli/sources.ts'
import { loadPipeline } from '../../src/pipeline/index.ts'

const pipeline = await loadPipeline(join(import.meta.dirname, '../../pipelines/pinterest'), { id: 'demo' })

async function pins(options: Parameters<typeof openSource>[1]): Promise<unknown[]> {
  const sent: unknown[] = []
  const { source } = await openSource(pipeline, options, 3)
  for await (const { records } of source) sent.push(records[0]?.json)
  return sent
}

test('a seed changes what is posted in random order, and the same seed posts the same again', async () => {
  const plain = await pins({ order: 'random' })
  expect(plain).toHaveLength(3)
  expect(await pins({ order: 'random', seed: 100 })).toEqual(plain)
  const seven = await pins({ order: 'random', seed: 7 })
  expect(seven).not.toEqual(plain)
  expect(await pins({ order: 'random', seed: 7 })).toEqual(seven)
})
