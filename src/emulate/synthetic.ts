import { PipelineError } from '../core/index.ts'
import type { Pipeline, SyntheticSource } from '../pipeline/index.ts'
import type { Post, Source } from './source.ts'

/**
 * The pipeline's made-up rows: the same options give the same posts.
 *
 * @param options.order `random`: the pipeline's own sequence of draws, repeats included; `sequential`: each row once
 * @param options.posts how many; default: for ever in random order, every row in sequential order (and never more)
 * @param options.seed of the draws; default the pipeline's
 * @throws SOURCE_UNREADABLE when the pipeline has no such rows; PIPELINE_INVALID
 */
export async function syntheticSource(
  pipeline: Pipeline,
  options: { order: 'random' | 'sequential'; posts?: number; seed?: number },
): Promise<Source> {
  const source = await pipeline.source?.()
  if (!source)
    throw new PipelineError('SOURCE_UNREADABLE', `pipeline ${pipeline.name} has no synthetic rows of its own`)
  const datasets = pipeline.datasets.map(({ name }) => name)
  const rows = options.order === 'random' ? source.draws(options.seed ?? source.seed) : upTo(source.rows)
  return posts(source, datasets, rows, options.posts ?? Number.POSITIVE_INFINITY)
}

function* upTo(rows: number): Generator<number, void> {
  for (let row = 0; row < rows; row++) yield row
}

async function* posts(
  source: SyntheticSource,
  datasets: readonly string[],
  rows: Iterator<number>,
  count: number,
): AsyncGenerator<Post> {
  for (let post = 0; post < count; post++) {
    const { value: index, done } = rows.next()
    if (done) return
    const row = source.row(index)
    yield { post, records: datasets.map((dataset) => ({ dataset, json: jsonOf(row, dataset, index) })) }
  }
}

function jsonOf(row: Readonly<Record<string, string>>, dataset: string, index: number): string {
  const json = row[dataset]
  if (json !== undefined) return json
  throw new PipelineError(
    'PIPELINE_INVALID',
    `row ${index} of the synthetic source has no record for ${dataset}`,
  )
}
