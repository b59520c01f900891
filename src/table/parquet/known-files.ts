import { isSystemError, type ObjectStore, PipelineError } from '../../core/index.ts'
import type { AddFile } from '../actions.ts'
import { sha256 } from './sha256.ts'

/** Files that were what they should be when this process first read them. */
const known = new WeakSet<AddFile>()

/**
 * The path of a data file, once its bytes are those that were written: a damaged Parquet file may read, and read wrongly.
 * A file is looked at once for each time the log names it to this process; one without a checksum is taken as it is.
 *
 * @throws TABLE_DAMAGED
 */
export async function knownPath(store: ObjectStore, key: string, add: AddFile): Promise<string> {
  const path = await store.localPath(key)
  const told = add.tags?.sha256
  if (told === undefined || known.has(add)) return path
  if ((await hashOf(path, key)) !== told)
    throw new PipelineError('TABLE_DAMAGED', `${key} is not what was written: its SHA-256 differs`)
  known.add(add)
  return path
}

async function hashOf(path: string, key: string): Promise<string> {
  try {
    return await sha256(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) throw new PipelineError('TABLE_DAMAGED', `${key} is missing`)
    throw new PipelineError('STORE_FAILED', `read ${key}`, { cause: error })
  }
}
