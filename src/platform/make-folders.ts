import { mkdir, rm } from 'node:fs/promises'
import { type DataFolder, isSystemError, messageOf, PipelineError } from '../core/index.ts'
import { queryFolders } from './engine-options.ts'

/** Make the folders of a data folder that are missing, and an empty one for scratch. @throws STORE_FULL, STORE_FAILED */
export async function makeFolders(folder: DataFolder): Promise<void> {
  try {
    await rm(folder.path('tmp'), { recursive: true, force: true })
    for (const name of ['lake', 'tables', 'index', 'tmp', ...queryFolders])
      await mkdir(folder.path(name), { recursive: true })
  } catch (error) {
    const code = isSystemError(error, 'ENOSPC', 'EDQUOT') ? 'STORE_FULL' : 'STORE_FAILED'
    throw new PipelineError(code, `the folders in ${folder.root}: ${messageOf(error)}`, { cause: error })
  }
}
