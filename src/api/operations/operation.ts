import * as v from 'valibot'
import { PipelineError } from '../../core/index.ts'
import type { Platform } from '../../platform/index.ts'

export interface Context {
  platform: Platform
  /** Ends what goes on without end. */
  signal: AbortSignal
  /** Give one item of a result that has many, as it comes; settles when the next may be given. */
  emit: (item: unknown) => Promise<void> | void
}

type ParametersLike<Entries extends v.ObjectEntries> = v.StrictObjectSchema<Entries, undefined>

export interface Operation<Entries extends v.ObjectEntries, Result> {
  parameters: ParametersLike<Entries>
  run(context: Context, parameters: v.InferOutput<ParametersLike<Entries>>): Promise<Result>
}

/** Ties an operation to its parameters. */
export const operation = <Entries extends v.ObjectEntries, Result>(
  entries: Entries,
  run: Operation<Entries, Result>['run'],
): Operation<Entries, Result> => ({ parameters: v.strictObject(entries), run })

/** One of the two ways of cleaning. */
export const path = v.picklist(['stream', 'batch'])
export const integer = (min: number) => v.pipe(v.number(), v.integer(), v.minValue(min))

/**
 * Whoever asks may have changed a dataset since the platform was started, which would go by the old definition.
 *
 * @param definition of who asks; absent: any
 * @throws DATA_FOLDER_IN_USE
 */
export function refuseOtherDefinition({ pipeline }: Platform, dataset: string, definition?: string): void {
  const known = pipeline.datasets.find(({ name }) => name === dataset)
  if (!known || definition === undefined || known.definition === definition) return
  const message = `the platform that is running works with another definition of ${dataset}: stop it, and start it again with the new one`
  throw new PipelineError('DATA_FOLDER_IN_USE', message)
}

/** @throws TABLE_UNKNOWN */
export function refuseUnlessDataset({ pipeline }: Platform, dataset: string): void {
  if (pipeline.datasets.some(({ name }) => name === dataset)) return
  const known = pipeline.datasets.map(({ name }) => name).join(', ')
  throw new PipelineError('TABLE_UNKNOWN', `there is no dataset ${dataset}, but ${known}`)
}
