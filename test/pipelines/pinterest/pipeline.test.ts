import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadPipeline } from '../../../src/pipeline/index.ts'

test('the folder loads, with the names of the original', async () => {
  const folder = join(import.meta.dirname, '../../../pipelines/pinterest')
  const pipeline = await loadPipeline(folder, { id: '0a1b' })
  expect(pipeline.name).toBe('pinterest')
  expect(pipeline.datasets.map(({ name, key, onDuplicate }) => [name, key, onDuplicate])).toEqual([
    ['pin', ['ind'], 'first'],
    ['geo', ['ind'], 'first'],
    ['user', ['ind'], 'first'],
  ])
  for (const { name, topics, tables } of pipeline.datasets) {
    expect(topics).toEqual([
      { name: `0a1b.${name}`, partitioner: 'kafka' },
      { name: `streaming-0a1b-${name}`, partitioner: 'kinesis' },
    ])
    expect(tables).toEqual({ stream: `0a1b_${name}_table`, batch: `0a1b_${name}` })
  }
  expect(pipeline.datasets[0]!.schema.ind).toEqual({ type: 'integer', from: ['index', 'ind'], min: 0 })
  expect(pipeline.questions.map(({ name }) => name)).toEqual(['1', '2', '3a', '3b', '4', '5', '6', '7', '8'])
  expect(pipeline.questions[2]!.title).toBe('Most-followed poster or posters of each country')
  expect((await pipeline.source?.())?.rows).toBe(11_154)
})
