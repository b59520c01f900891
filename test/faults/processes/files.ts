/** Files of a data folder, found by plain means. Paths, oldest first. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasets } from './records.ts'

function filesOf(folder: string, pattern: RegExp): string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => pattern.test(name))
  return names.sort().map((name) => join(folder, name))
}

const numbered = /^\d{20}\.json$/

export const segmentsOf = (data: string) => filesOf(join(data, 'log', 'segments'), /^\d{20}\.lmdb$/)

export const markersOf = (data: string) =>
  filesOf(join(data, 'lake', '_pinflow', 'pinterest', 'landed'), numbered)

export const entriesOf = (data: string) =>
  filesOf(join(data, 'lake', '_pinflow', 'pinterest', 'epochs'), numbered)

export function landsOf(data: string): string[] {
  return entriesOf(data).filter((path) => readFileSync(path, 'utf8').includes('"kind":"land"'))
}

/** Raw objects that a landed marker names. */
export function objectsOf(data: string, marker: string): string[] {
  const { objects } = JSON.parse(readFileSync(marker, 'utf8')) as { objects: { key: string }[] }
  return objects.map(({ key }) => join(data, 'lake', key))
}

/** Tables of clean rows. */
export const tablesOf = (data: string) =>
  ['stream', 'batch'].flatMap((path) => datasets.map((name) => join(data, 'tables', path, name)))

export const logOf = (table: string) => filesOf(join(table, '_delta_log'), numbered)

/** Data files that the newest versions of tables hold. */
export function aliveFilesOf(data: string): string[] {
  return tablesOf(data).flatMap((table) => {
    const alive = new Set<string>()
    for (const line of logOf(table).flatMap((path) => readFileSync(path, 'utf8').trimEnd().split('\n'))) {
      const { add, remove } = JSON.parse(line) as Record<'add' | 'remove', { path: string } | undefined>
      if (add) alive.add(join(table, add.path))
      if (remove) alive.delete(join(table, remove.path))
    }
    return [...alive]
  })
}

/** Commits that a reader of a newest version needs: after the last checkpoint, and not the newest itself. */
export function commitsOf(data: string): string[] {
  return tablesOf(data).flatMap((table) => {
    const commits = logOf(table)
    const checkpoint = filesOf(join(table, '_delta_log'), /\.checkpoint\.parquet$/).at(-1)
    const from = checkpoint?.replace('.checkpoint.parquet', '.json') ?? ''
    return commits.filter((path) => path > from).slice(0, -1)
  })
}
