/**
 * Which epochs the rows of a data file are of: the tag `epochs`, `<first>-<last>`, of its `add`. It leads from a row to
 * the records it was made of; nothing is decided by it, and a file without it may be of any epoch.
 */
import type { Epoch } from '../lake/index.ts'
import type { AddFile } from '../table/index.ts'

const tag = 'epochs'

/** Epochs `from` ≤ epoch ≤ `to`. */
export interface EpochSpan {
  from: number
  to: number
}

export function epochsOfGroup(epochs: readonly Epoch[]): EpochSpan | undefined {
  const [first] = epochs
  const last = epochs.at(-1)
  return first && last && { from: first.epoch, to: last.epoch }
}

export function withEpochs(file: AddFile, span: EpochSpan | undefined): AddFile {
  return span ? { ...file, tags: { ...file.tags, [tag]: `${span.from}-${span.to}` } } : file
}

/** Undefined where the file does not say. */
export function fileEpochs({ tags }: Pick<AddFile, 'tags'>): EpochSpan | undefined {
  const [, from, to] = /^(\d{1,15})-(\d{1,15})$/.exec(tags?.[tag] ?? '') ?? []
  return from === undefined ? undefined : { from: Number(from), to: Number(to) }
}

/** The tags of a file that is put together from others: their epochs, where all say them. */
export function mergeFileTags(tags: readonly (Record<string, string> | undefined)[]): Record<string, string> {
  const spans = tags.map((each) => fileEpochs(each ? { tags: each } : {}))
  const known = spans.filter((span) => span !== undefined)
  if (known.length === 0 || known.length < spans.length) return {}
  const from = Math.min(...known.map((span) => span.from))
  return { [tag]: `${from}-${Math.max(...known.map((span) => span.to))}` }
}
