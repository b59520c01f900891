import { type CleaningPath, cleaningPaths, TablePair } from '../clean/index.ts'
import { PipelineError, type Turns } from '../core/index.ts'
import { EpochReader } from '../lake/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { Snapshot } from '../table/index.ts'
import { datasetsOf, type QuarantineParts } from './bad-records.ts'
import { isAsPreviewed, isNothing, type PairChange } from './change.ts'
import { comparePairs, type PairAt } from './compare.ts'
import { withScratchTables } from './scratch.ts'

export interface ReplayParts extends QuarantineParts {
  limits: { recordsMax: number; bytesMax: number }
  /** All cleaners': one group is in memory at a time. */
  turns: Turns
  freeBytesMin: number
  /** Take and land what is in the log by now. @throws also for what keeps another dataset from being cleaned */
  settle: (signal: AbortSignal) => Promise<void>
  /** Make a dataset's tables anew under its present definition, both ways. */
  rebuild: (dataset: string) => Promise<void>
}

export interface Replayed {
  dataset: string
  /** What it would change, or was to change: for each way of cleaning. */
  preview: PairChange[]
  /** Whether it has no effect: then it was not done, though asked for. */
  nothing: boolean
  /** What it has changed; absent where it was not done. */
  done?: PairChange[]
  /** Whether that is what the preview said. */
  asPreviewed?: boolean
}

export interface ReplayOptions {
  /** Do it, and not only say what it would do. */
  apply: boolean
  /** Told how far the preview has cleaned: an epoch, and the one it ends at. */
  onEpoch?: (epoch: number, last: number) => void
  signal: AbortSignal
}

/**
 * Clean everything of a dataset again under its present definition: records of quarantine that pass now become rows.
 * What that changes is found out first, from tables made on the side. Cut off at any moment, the platform is as before,
 * or a restart finishes the rebuild; done again it has no effect.
 *
 * @throws TABLE_UNKNOWN, TABLE_DAMAGED, STORE_FULL, OVERLOADED, STOPPING
 */
export async function replay(
  parts: ReplayParts,
  name: string,
  { apply, onEpoch = () => undefined, signal }: ReplayOptions,
): Promise<Replayed> {
  const [dataset] = datasetsOf(parts, name) as [Dataset]
  const { before, landed } = await landedPairs(parts, dataset, signal)
  const preview = await withScratchTables(
    {
      ...parts,
      dataset,
      datasets: parts.pipeline.datasets,
      reader: new EpochReader(parts),
      landed,
      onEpoch: (epoch) => onEpoch(epoch, landed),
      onWarning: () => undefined,
      signal,
    },
    expectedBytes(before.map(([, pair]) => pair)),
    (after) => compareAll(parts, dataset, before, () => after),
  )
  const nothing = preview.every(isNothing)
  if (nothing || !apply) return { dataset: name, preview, nothing }
  await parts.rebuild(name)
  const after = new Map(await pairsOf(parts, dataset))
  const done = await compareAll(parts, dataset, before, (path) => after.get(path))
  const asPreviewed = done.every((change, at) => isAsPreviewed(preview[at]!, change, dataset.onDuplicate))
  return { dataset: name, preview, nothing, done, asPreviewed }
}

/** The pairs as they are, and a land in the lake that holds everything that is in them. */
async function landedPairs(
  parts: ReplayParts,
  dataset: Dataset,
  signal: AbortSignal,
): Promise<{ before: [CleaningPath, PairAt][]; landed: number }> {
  let failure: unknown
  const settle = () =>
    parts.settle(signal).catch((error: unknown) => {
      failure = error
    })
  await settle()
  const before = await pairsOf(parts, dataset)
  const epoch = Math.max(...before.map(([, { state }]) => state.dataEpoch))
  for (;;) {
    const landed = await parts.landing.newest()
    // The last epoch that is in a table; with none there is nothing to wait for.
    const { value: last } = await parts.epochs.epochsAfter(Math.max(0, epoch - 1)).next()
    if (epoch === 0 || last === undefined || (last.land !== undefined && last.land <= landed))
      return { before, landed }
    if (signal.aborted) throw new PipelineError('STOPPING', 'nobody waits for the preview any more')
    // What stands in the way of another dataset does not keep this one from landing.
    if (failure !== undefined) throw failure
    await settle()
  }
}

async function pairsOf(
  { catalog, engine, epochs }: ReplayParts,
  dataset: Dataset,
): Promise<[CleaningPath, PairAt][]> {
  const pairs: [CleaningPath, PairAt][] = []
  for (const path of cleaningPaths) {
    const store = catalog.find((entry) => entry.dataset === dataset.name && entry.path === path)?.table.store
    const pair = store && new TablePair(store, engine, dataset, path, epochs.id)
    const state = await pair?.read()
    if (!pair || !state)
      throw new PipelineError('TABLE_DAMAGED', `a table of ${path}.${dataset.name} is missing`)
    const { data, quarantine } = pair
    pairs.push([path, { store, dataPrefix: data.prefix, quarantinePrefix: quarantine.prefix, state }])
  }
  return pairs
}

async function compareAll(
  { engine }: ReplayParts,
  dataset: Dataset,
  before: readonly [CleaningPath, PairAt][],
  after: (path: CleaningPath) => PairAt | undefined,
): Promise<PairChange[]> {
  const changes: PairChange[] = []
  for (const [path, pair] of before)
    changes.push(await comparePairs(engine, dataset, path, pair, after(path) ?? pair))
  return changes
}

/** What the larger pair takes, twice, and the keys of all its records. */
function expectedBytes(pairs: readonly PairAt[]): number {
  const sizeOf = ({ files }: Snapshot) => [...files.values()].reduce((sum, { size }) => sum + size, 0)
  const keyBytes = 128
  return Math.max(
    ...pairs.map(
      ({ state }) => 2 * (sizeOf(state.data) + sizeOf(state.quarantine)) + keyBytes * state.account.read,
    ),
  )
}
