import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CleanerParts, DatasetCleaner, dataTablePrefix, quarantineTablePrefix } from '../clean/index.ts'
import { freeBytes, isSystemError, LocalObjectStore, PipelineError } from '../core/index.ts'
import type { PairAt } from './compare.ts'

export interface ScratchParts extends Omit<CleanerParts, 'path' | 'tables' | 'indexFolder' | 'landed'> {
  /** The land up to which it is cleaned. */
  landed: number
  /** What is to stay free on the volume. */
  freeBytesMin: number
  /** Told after each group: the epoch it reaches. */
  onEpoch: (epoch: number) => void
  signal: AbortSignal
}

/** Room for what SQL spills and the files of one group, beside the tables. */
const roomBytes = 64 * 2 ** 20

/**
 * Clean all that has landed of a dataset into tables of their own, in a scratch folder, and look at them; the folder is
 * removed afterwards, or by the next start. Other cleaning takes its turns between the groups.
 *
 * @param expectedBytes what the tables will take, about
 * @throws STORE_FULL, before anything is written or once the volume is near its end; OVERLOADED while another does the
 * same; STOPPING by the signal
 */
export async function withScratchTables<T>(
  parts: ScratchParts,
  expectedBytes: number,
  action: (pair: PairAt) => Promise<T>,
): Promise<T> {
  const folder = join(parts.temporaryFolder, `replay-${parts.dataset.name}`)
  refuseUnlessSpace(parts, expectedBytes)
  await makeOwn(folder, parts.dataset.name)
  try {
    await mkdir(join(folder, 'index'))
    const tables = new LocalObjectStore(join(folder, 'tables'))
    const cleaner = await DatasetCleaner.open({
      ...parts,
      path: 'batch',
      tables,
      indexFolder: join(folder, 'index'),
      landed: () => parts.landed,
    })
    try {
      while (await cleaner.step()) {
        if (parts.signal.aborted) throw new PipelineError('STOPPING', 'nobody waits for the preview any more')
        refuseUnlessSpace(parts, 0)
        parts.onEpoch(cleaner.standing?.epoch ?? 0)
      }
      const state = await cleaner.state()
      const { name } = parts.dataset
      return await action({
        store: tables,
        dataPrefix: dataTablePrefix(name, 'batch'),
        quarantinePrefix: quarantineTablePrefix(name, 'batch'),
        state,
      })
    } finally {
      await cleaner.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeOwn(folder: string, dataset: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
    throw new PipelineError('OVERLOADED', `a replay of ${dataset} is being previewed already`)
  }
}

function refuseUnlessSpace({ temporaryFolder, freeBytesMin }: ScratchParts, bytes: number): void {
  const needed = bytes + roomBytes + freeBytesMin
  const free = freeBytes(temporaryFolder)
  if (free >= needed) return
  const message = `a preview wants ${needed} bytes free on the volume of ${temporaryFolder}, there are ${free}`
  throw new PipelineError('STORE_FULL', message)
}
