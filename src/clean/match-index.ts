import { type AddFile, type DeltaTable, decodePath, type Snapshot, scanSql } from '../table/index.ts'
import type { KeyIndex, KeyIndexState } from './key-index.ts'
import type { PairState } from './pair-state.ts'

/** Make a key index hold exactly the keys of a data table at a state: by the files added since, else anew. */
export async function matchIndex(
  index: KeyIndex,
  table: DeltaTable,
  { data, generation }: Pick<PairState, 'data' | 'generation'>,
  keysSql: (relation: string) => string,
): Promise<void> {
  const commit = data.commitInfo?.txnId
  const wanted = { tableId: data.metaData.id, generation, version: data.version, commit }
  const has = index.state
  let files = data.files
  if (has?.tableId === wanted.tableId && has.generation === generation && (await isOf(table, has, data))) {
    if (has.version === data.version) return
    const added = await filesAddedSince(has.version, table, data)
    if (added) files = added
    else await index.clear()
  } else await index.clear()
  if (files.size > 0) {
    const relation = await scanSql(table.store, table.prefix, { ...data, files })
    await table.engine.with(async (session) => {
      for await (const chunk of session.chunks(keysSql(relation)))
        await index.write(chunk as [string, string][])
    })
  }
  await index.write([], wanted)
}

/** Whether the version that an index matches is one of this table, and not of a copy that went on by itself. */
async function isOf(table: DeltaTable, { version, commit }: KeyIndexState, data: Snapshot): Promise<boolean> {
  if (commit === undefined || version > data.version) return false
  if (version === data.version) return commit === data.commitInfo?.txnId
  for await (const { version: at, actions } of table.commits(version)) {
    // It may have expired.
    const info = at === version ? actions.find((action) => 'commitInfo' in action) : undefined
    return info?.commitInfo.txnId === commit
  }
  return false
}

/** Files added after a version; undefined when something else than adding happened since, or cannot be looked at. */
async function filesAddedSince(
  version: number,
  table: DeltaTable,
  data: Snapshot,
): Promise<Map<string, AddFile> | undefined> {
  if (version > data.version) return undefined
  const added = new Map<string, AddFile>()
  let next = version + 1
  for await (const commit of table.commits(next)) {
    // Commits before it have expired.
    if (commit.version !== next) return undefined
    next++
    for (const action of commit.actions) {
      if ('remove' in action && action.remove.dataChange) return undefined
      if ('metaData' in action) return undefined
      if ('add' in action && action.add.dataChange) added.set(decodePath(action.add.path), action.add)
    }
  }
  // A file that was compacted since is no longer there to be read.
  const there = next > data.version && [...added.keys()].every((path) => data.files.has(path))
  return there ? added : undefined
}
