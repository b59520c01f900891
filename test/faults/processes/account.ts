/**
 * What must have become of every record, told by means of its own: the records as the log gives them, folded in the
 * order that the epoch log's entries name.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Broken } from '../campaign.ts'
import type { Reading } from './history.ts'
import { contentOf, type DatasetName, topicsOf } from './records.ts'

interface Range {
  topic: string
  partition: number
  from: number
  to: number
  count: number
}

/** The tables of a dataset, as they must be. */
export interface Expected {
  /** `ind mark`, one for each row. */
  rows: string[]
  /** `topic partition offset reason`, one for each record. */
  quarantine: string[]
  duplicates: number
}

/** Places of all records in the order of processing. @throws Broken when one is left out, or comes twice */
export function orderOf(dataFolder: string, readings: readonly Reading[]): Map<string, string> {
  const values = new Map<string, string>()
  for (const { topic, records } of readings) {
    for (const { partition, offset, value } of records) values.set(`${topic} ${partition} ${offset}`, value)
  }
  const ordered = new Map<string, string>()
  let double = 0
  for (const { topic, partition, from, to, count } of rangesOf(dataFolder)) {
    let found = 0
    for (let offset = from; offset < to; offset++) {
      const place = `${topic} ${partition} ${offset}`
      const value = values.get(place)
      if (value === undefined) continue
      found++
      if (ordered.has(place)) double++
      ordered.set(place, value)
    }
    if (found !== count)
      throw new Broken(
        `${topic}/${partition} ${from} to ${to}: ${count} records were taken, ${found} are in the log`,
      )
  }
  const lost = values.size - ordered.size
  if (lost === 0 && double === 0) return ordered
  throw new Broken(`of ${values.size} records the epoch log leaves out ${lost}, and names ${double} twice`, {
    lost,
    double,
  })
}

/** Every take that a land repeats, in order. */
function rangesOf(dataFolder: string): Range[] {
  const folder = join(dataFolder, 'lake', '_pinflow', 'pinterest', 'epochs')
  const ranges: Range[] = []
  for (const name of readdirSync(folder).sort()) {
    const entry = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      kind: string
      takes?: { ranges: Range[]; gaps?: unknown[] }[]
    }
    if (entry.kind !== 'land') continue
    for (const take of entry.takes ?? []) {
      if (take.gaps) throw new Broken(`${name} gives up records: ${JSON.stringify(take.gaps)}`)
      ranges.push(...take.ranges)
    }
  }
  return ranges
}

/** The first record of a key is a row, an equal one a duplicate, a differing one is bad. */
export function expectedOf(dataset: DatasetName, ordered: ReadonlyMap<string, string>): Expected {
  const names = topicsOf(dataset)
  const marks = new Map<number, string>()
  const quarantine: string[] = []
  let duplicates = 0
  for (const [place, value] of ordered) {
    if (!names.includes(place.slice(0, place.indexOf(' ')))) continue
    const content = contentOf(value)
    if (content.bad) {
      quarantine.push(`${place} ${value === '17' ? 'NOT_AN_OBJECT' : 'NO_KNOWN_COLUMN'}`)
      continue
    }
    const first = marks.get(content.ind)
    if (first === undefined) marks.set(content.ind, content.mark)
    else if (first === content.mark) duplicates++
    else quarantine.push(`${place} DUPLICATE_KEY_DIFFERS`)
  }
  return { rows: [...marks].map(([ind, mark]) => `${ind} ${mark}`), quarantine, duplicates }
}

/** @throws Broken when a table does not hold exactly these lines, each once */
export function checkSame(table: string, expected: readonly string[], found: readonly string[]): void {
  const held = new Set(found)
  const wanted = new Set(expected)
  const missing = expected.filter((line) => !held.has(line))
  const foreign = [...held].filter((line) => !wanted.has(line))
  const double = found.length - held.size
  if (missing.length === 0 && foreign.length === 0 && double === 0) return
  const told = `${table}: ${missing.length} missing (${missing[0]}), ${foreign.length} too many (${foreign[0]}), ${double} double`
  throw new Broken(told, { lost: missing.length, double: double + foreign.length })
}
