import { describe, expect, test } from 'vitest'
import { type Post, type Source, syntheticSource } from '../../src/emulate/index.ts'
import type { SyntheticSource } from '../../src/pipeline/index.ts'
import { dataset, pipelineOf } from './front-doors.ts'

const source: SyntheticSource = {
  rows: 4,
  seed: 100,
  row: (index) => ({ geo: `{"g":${index}}`, pin: `{"p":${index}}` }),
  *draws(seed) {
    for (let i = 0; ; i++) yield (seed + 3 * i) % 4
  },
}
const pipeline = { ...pipelineOf(dataset('pin'), dataset('geo')), source: async () => source }

async function first(source: Source, count: number): Promise<Post[]> {
  const posts: Post[] = []
  for await (const post of source) if (posts.push(post) === count) break
  return posts
}

/** The row of each post, once both records are known to be of one row and in the pipeline's order. */
function rows(posts: readonly Post[]): number[] {
  return posts.map(({ post, records }, i) => {
    expect(post).toBe(i)
    const row = JSON.parse(String(records[0]?.json)).p as number
    expect(records).toEqual([
      { dataset: 'pin', json: `{"p":${row}}` },
      { dataset: 'geo', json: `{"g":${row}}` },
    ])
    return row
  })
}

describe('synthetic rows', () => {
  test('in random order are the draws of the seed, repeats included, for ever', async () => {
    expect(rows(await first(await syntheticSource(pipeline, { order: 'random' }), 6))).toEqual([
      0, 3, 2, 1, 0, 3,
    ])
    const seeded = await syntheticSource(pipeline, { order: 'random', seed: 2, posts: 3 })
    expect(rows(await first(seeded, 99))).toEqual([2, 1, 0])
  })

  test('in sequential order are each sent once', async () => {
    expect(rows(await first(await syntheticSource(pipeline, { order: 'sequential' }), 99))).toEqual([
      0, 1, 2, 3,
    ])
    const some = await syntheticSource(pipeline, { order: 'sequential', posts: 2 })
    expect(rows(await first(some, 99))).toEqual([0, 1])
    const many = await syntheticSource(pipeline, { order: 'sequential', posts: 9 })
    expect(rows(await first(many, 99))).toHaveLength(4)
  })

  test('are refused where the pipeline has none, or a row lacks a dataset', async () => {
    const none = pipelineOf(dataset('pin'))
    await expect(syntheticSource(none, { order: 'random' })).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
    })
    const lacking = { ...pipeline, datasets: [dataset('user')] }
    const posts = first(await syntheticSource(lacking, { order: 'sequential' }), 1)
    await expect(posts).rejects.toMatchObject({ code: 'PIPELINE_INVALID' })
  })
})
