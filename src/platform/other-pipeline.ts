import { readdir } from 'node:fs/promises'
import { type DataFolder, isSystemError, messageOf, PipelineError } from '../core/index.ts'

/**
 * Raw objects are named by topic and offset alone, and retention regards one pipeline's progress: a folder is of one
 * pipeline for ever.
 *
 * @throws DATA_FOLDER_UNUSABLE, STORE_FAILED
 */
export async function refuseOtherPipeline(folder: DataFolder, pipeline: string): Promise<void> {
  const found = await readdir(folder.path('lake/_pinflow')).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw new PipelineError('STORE_FAILED', `the lake in ${folder.root}: ${messageOf(error)}`, {
      cause: error,
    })
  })
  const other = found.find((name) => name !== pipeline && !name.startsWith('.'))
  if (other === undefined) return
  throw new PipelineError(
    'DATA_FOLDER_UNUSABLE',
    `${folder.root} is the data folder of pipeline ${other}, not of ${pipeline}`,
  )
}
