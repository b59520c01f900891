import { PipelineError } from '../core/index.ts'
import { type EmulateAccount, ndjsonSource, type Source, syntheticSource } from '../emulate/index.ts'
import type { Pipeline } from '../pipeline/index.ts'

export interface SourceOptions {
  /** `ndjson:DIR`; absent: the pipeline's made-up rows. */
  source?: string
  posts?: number
  order: 'random' | 'sequential'
  /** Of the random order; absent: the pipeline's own. */
  seed?: number
}

export interface OpenSource {
  source: Source
  /** How many posts it will give, where that is known. */
  total?: number
  /** What could not be posted, filled while the source is read. */
  errors: string[]
}

/**
 * @param defaultPosts draws of the random sequence when no number is asked for
 * @throws USAGE, SOURCE_UNREADABLE
 */
export async function openSource(
  pipeline: Pipeline,
  options: SourceOptions,
  defaultPosts = 2_000,
): Promise<OpenSource> {
  const { posts, order, seed } = options
  const errors: string[] = []
  if (options.source !== undefined) {
    const folder = /^ndjson:(.+)$/.exec(options.source)?.[1]
    if (folder === undefined)
      throw new PipelineError('USAGE', `--source ${options.source}: a source is ndjson:DIR`)
    const onSourceError = (file: string, line: number, message: string) =>
      errors.push(`${file}:${line}: ${message}`)
    const source = ndjsonSource(pipeline, folder, { ...(posts !== undefined && { posts }), onSourceError })
    return { source, ...(posts !== undefined && { total: posts }), errors }
  }
  const synthetic = await pipeline.source?.()
  if (!synthetic)
    throw new PipelineError('USAGE', `pipeline ${pipeline.name} has no made-up rows: name a --source`)
  const total =
    order === 'sequential' ? Math.min(posts ?? synthetic.rows, synthetic.rows) : (posts ?? defaultPosts)
  const wanted = { order, posts: total, ...(seed !== undefined && { seed }) }
  return { source: await syntheticSource(pipeline, wanted), total, errors }
}

/** Say what could not be posted, and what the doors refused. */
export function printUnsent(errors: readonly string[], refused: EmulateAccount['refused']): void {
  for (const error of errors) console.error(`not posted: ${error}`)
  for (const { dataset, post, message } of refused)
    console.error(`refused: ${dataset} of post ${post}: ${message}`)
}
