import { type Config, type DataFolder, memoryShares } from '../core/index.ts'
import type { EngineOptions } from '../engine/index.ts'
import type { PoolOptions } from '../query/index.ts'

const threads = 2

/** Of the engine that cleans, verifies and keeps tables. */
export function engineOptions({ memory }: Config, folder: DataFolder): EngineOptions {
  return {
    memoryBytes: memoryShares(memory.capBytes).engineBytes,
    threads,
    temporaryFolder: folder.path('tmp'),
  }
}

/** Below the data folder: where processes that answer SQL work, one in each. */
export const queryFolders = ['tmp/queries/0', 'tmp/queries/1']

/** Of the processes that answer SQL. */
export function poolOptions({ memory, query }: Config, folder: DataFolder): PoolOptions {
  const { questionBytes, answerBytes } = memoryShares(memory.capBytes)
  return {
    folders: queryFolders.map((name) => folder.path(name)),
    engine: { memoryBytes: questionBytes, threads },
    limits: { ...query, rowBytesMax: answerBytes },
  }
}
