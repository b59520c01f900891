import type { DataFolder } from '../core/index.ts'
import type { EngineOptions } from '../table/index.ts'

/** An engine of a data folder. */
export function engineOptions(memoryBytes: number, folder: DataFolder): EngineOptions {
  return { memoryBytes, threads: 2, temporaryFolder: folder.path('tmp') }
}
