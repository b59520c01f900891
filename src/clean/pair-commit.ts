import {
  type Action,
  type AddFile,
  type DeltaTable,
  decodePath,
  removeOf,
  type Snapshot,
} from '../table/index.ts'

/**
 * The commit point of either table of a pair.
 *
 * @param actions undefined where they cannot follow a version
 * @returns the version; undefined where they cannot follow, and when another commit changed what the table says
 */
export async function commitAfter(
  table: DeltaTable,
  from: Snapshot,
  actions: (snapshot: Snapshot) => Action[] | undefined,
): Promise<number | undefined> {
  for (let snapshot = from; ; ) {
    const version = snapshot.version + 1
    const next = actions(snapshot)
    if (!next) return undefined
    if (await table.commit(version, next)) return version
    const newest = await table.snapshot()
    if (!newest || !(await onlyMaintenance(table, snapshot.version, newest.version))) return undefined
    snapshot = newest
  }
}

async function onlyMaintenance(table: DeltaTable, after: number, to: number): Promise<boolean> {
  let next = after + 1
  for await (const { version, actions } of table.commits(next)) {
    if (version > to) break
    // What has expired cannot be looked at.
    if (version !== next++) return false
    const harmless = actions.every((action) => {
      if ('add' in action) return !action.add.dataChange
      if ('remove' in action) return !action.remove.dataChange
      return 'commitInfo' in action
    })
    if (!harmless) return false
  }
  return true
}

/** @returns undefined when a file is no longer there: its rows stand in another by now */
export function removesOf(snapshot: Snapshot, paths: readonly string[]): Action[] | undefined {
  const removes: Action[] = []
  for (const path of paths) {
    const file = snapshot.files.get(path)
    if (!file) return undefined
    removes.push({ remove: removeOf(file, Date.now()) })
  }
  return removes
}

/** Make a table hold the files of an earlier version again. */
export function backTo(snapshot: Snapshot, earlier: Snapshot): Action[] {
  const gone = [...snapshot.files].filter(([path]) => !earlier.files.has(path))
  const back = [...earlier.files].filter(([path]) => !snapshot.files.has(path))
  return [
    ...gone.map(([, file]) => ({ remove: removeOf(file, Date.now()) })),
    ...back.map(([, file]) => ({ add: { ...file, dataChange: true } })),
  ]
}

/** Delete staged files of a table that no commit names. */
export async function discard(table: DeltaTable, files: readonly AddFile[]): Promise<undefined> {
  for (const { path } of files) await table.store.delete(`${table.prefix}/${decodePath(path)}`)
}
