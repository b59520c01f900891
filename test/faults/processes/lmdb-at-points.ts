/** The package `lmdb`, with writes to the log and to key indexes at their points. */
import { open as openLmdb, type RootDatabase } from 'lmdb'
import type { Point } from './plan.ts'
import { at } from './points.ts'

type Database = RootDatabase<Buffer, Buffer>

export function open(options: { path: string }): Database {
  const database = openLmdb<Buffer, Buffer>(options as never)
  const { path } = options
  if (path.includes('/segments/')) {
    const put = database.put.bind(database)
    let slow: Promise<unknown> | undefined
    database.put = (key, value) => {
      const begin = () =>
        at(
          pointOfPut(key as Buffer),
          () => put(key, value),
          (ending) => {
            slow = ending.catch(() => undefined)
          },
        ) as Promise<boolean>
      // LMDB commits in the order of the calls: a slow one holds up those after it.
      return slow ? slow.then(begin) : begin()
    }
  }
  if (path.includes('/index/')) {
    const transaction = database.transaction.bind(database)
    database.transaction = <T>(action: () => T) => at('key index', () => transaction(action)) as Promise<T>
  }
  return database
}

/** The header of a segment has the shortest key. */
const pointOfPut = (key: Buffer): Point => (key.length === 1 ? 'segment roll' : 'log append')
