import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { type DataFolder, isSystemError, messageOf, PipelineError } from '../core/index.ts'

/**
 * Raw objects are named by topic and offset alone, and retention regards one pipeline's progress: a folder is of one
 * pipeline for ever.
 *
 * @throws DATA_FOLDER_UNUSABLE, STORE_FAILED
 */
export async function refuseOtherPipeline(folder: DataFolder, pipeline: string): Promise<void> {
  // What else is there may be a topic's, which were named so where topics had no folder of their own.
  const books = 'lake/_pinflow'
  const found = await readdir(folder.path(books)).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw new PipelineError('STORE_FAILED', `the lake in ${folder.root}: ${messageOf(error)}`, {
      cause: error,
    })
  })
  const isOther = (name: string): boolean =>
    name !== pipeline &&
    ['epochs', 'landed'].some((kind) => existsSync(folder.path(`${books}/${name}/${kind}`)))
  const other = found.find(isOther)
  if (other === undefined) return
  throw new PipelineError(
    'DATA_FOLDER_UNUSABLE',
    `${folder.root} is the data folder of pipeline ${other}, not of ${pipeline}`,
  )
}
