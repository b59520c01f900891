import { createHash } from 'node:crypto'
import { messageOf, type ObjectStore } from '../core/index.ts'
import type { LandEntry, LandedMarker, Range } from '../lake/index.ts'
import type { Log } from '../log/index.ts'
import type { PipelineParts } from '../query/index.ts'
import type { Check, History, Landed } from './check.ts'

const newline = 0x0a
/** What one read of the log brings into memory at most. */
const readLimit = { records: 2_000, bytes: 4 * 2 ** 20 }

/** The epoch log: ranges of each topic partition join, from offset 0 on. */
export async function checkEpochs(parts: PipelineParts, checks: Check[]): Promise<History> {
  const { epochs } = parts
  const lands: LandEntry[] = []
  // A platform that runs meanwhile goes on landing: read until nothing is new, then take the rest at one moment.
  for (let known = -1; known < lands.length && (lands.at(-1)?.epoch ?? 0) < epochs.newestLand; ) {
    known = lands.length
    for (const number of await epochs.landsAfter(lands.at(-1)?.epoch ?? 0))
      lands.push(await epochs.landEntry(number))
  }
  const takes = [
    ...lands.flatMap((land) => land.takes.map((take) => ({ ...take, land: land.epoch }))),
    ...epochs.openTakes,
  ]
  const history = { lands, takes, ends: epochs.ends(), notTaken: countNotTaken(parts) }
  const broken: string[] = []
  const ends = new Map<string, number>()
  for (const { epoch, ranges, gaps = [] } of takes) {
    for (const { topic, partition, from, to } of [...ranges, ...gaps]) {
      const key = `${topic}/${partition}`
      if (to <= (ends.get(key) ?? 0) && gaps.length > 0) continue
      if ((ends.get(key) ?? 0) !== from)
        broken.push(`epoch ${epoch}: ${key} goes on at ${from}, not at ${ends.get(key) ?? 0}`)
      ends.set(key, to)
    }
  }
  const detail =
    broken[0] ?? `${takes.length} takes in ${lands.length} lands, every range joins the one before`
  checks.push({ name: 'epoch log: nothing left out, nothing twice', ok: broken.length === 0, detail })
  return history
}

/** Records of each topic that no take names yet. */
function countNotTaken({ log, epochs }: PipelineParts): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { name, partitions } of log.topics()) {
    let count = 0
    for (let partition = 0; partition < partitions; partition++) {
      const from = epochs.position(name, partition)
      if (log.offsets(name, partition).end <= from) continue
      count += log.extent(name, partition, from, { records: Infinity, bytes: Infinity })?.count ?? 0
    }
    counts.set(name, count)
  }
  return counts
}

/** The log: it ends at or after what was taken of it, and holds what has not landed yet. */
export async function checkLog(
  { log, epochs, landing }: PipelineParts,
  { takes }: History,
  checks: Check[],
): Promise<void> {
  const broken: string[] = []
  for (const { topic, partition, to } of epochs.ends()) {
    const end = log.endOf(topic, partition)
    if (end < to) broken.push(`${topic}/${partition} ends at ${end}, the epoch log at ${to}`)
  }
  let waiting = 0
  const landed = await landing.newest()
  for (const { land, ranges } of takes) {
    if (land !== undefined && land <= landed) continue
    for (const range of ranges) {
      const held = countHeld(log, range)
      waiting += held
      if (held === range.count) continue
      // What lands meanwhile, the log may let go.
      if ((await landing.newest()) > landed) continue
      const { topic, partition, from, to, count } = range
      broken.push(`${topic}/${partition} holds ${held} records at ${from} to ${to - 1}, ${count} wait there`)
    }
  }
  checks.push({
    name: 'log: not behind its lake, and holds what waits',
    ok: broken.length === 0,
    detail:
      broken[0] ??
      `${log.topics().length} topics end at or after what was taken, ${waiting} records wait to land`,
  })
}

/** Records of a range that the log can be made to give, batches checked. */
function countHeld(log: Log, { topic, partition, from, to }: Range): number {
  if (log.endOf(topic, partition) < to || log.offsets(topic, partition).start > from) return 0
  let held = 0
  for (let next = from; next < to; ) {
    const records = log.read(topic, partition, next, readLimit)
    const last = records.at(-1)
    if (!last) break
    held += records.filter(({ offset }) => offset < to).length
    next = last.offset + 1
  }
  return held
}

/** Objects of every landed marker: there, unchanged, a line for each record of the land. */
export async function checkLake(
  { lake, landing }: PipelineParts,
  { lands }: History,
  checks: Check[],
): Promise<Landed> {
  const lines = new Map<string, number>()
  const broken: string[] = []
  const newest = await landing.newest()
  let objects = 0
  for (const land of lands) {
    if (land.epoch > newest) break
    try {
      const marker = await landing.marker(land.epoch)
      for (const object of marker.objects) {
        objects++
        const counted = await countLines(lake, object)
        if (counted !== object.lines)
          broken.push(`${object.key} holds ${counted} lines, its marker says ${object.lines}`)
        lines.set(object.topic, (lines.get(object.topic) ?? 0) + counted)
      }
      broken.push(...uncovered(land, marker))
    } catch (error) {
      broken.push(messageOf(error))
    }
  }
  const total = [...lines.values()].reduce((sum, count) => sum + count, 0)
  checks.push({
    name: 'raw lake: every landed record is one line, bytes unchanged',
    ok: broken.length === 0,
    detail: broken[0] ?? `${total} lines in ${objects} objects match their checksums`,
  })
  return { lines, land: newest }
}

async function countLines(
  lake: ObjectStore,
  { key, sha256, bytes }: LandedMarker['objects'][number],
): Promise<number> {
  const content = await lake.get(key)
  if (!content) throw new Error(`${key} is missing`)
  const found = createHash('sha256').update(content).digest('hex')
  if (found !== sha256 || content.length !== bytes)
    throw new Error(`${key} is not what was landed: its SHA-256 differs`)
  let lines = 0
  for (let at = content.indexOf(newline); at >= 0; at = content.indexOf(newline, at + 1)) lines++
  return lines
}

/** Topic partitions of a land whose objects do not hold its records: each once, in order, none from elsewhere. */
function uncovered(land: LandEntry, marker: LandedMarker): string[] {
  const place = ({ topic, partition }: { topic: string; partition: number }) => `${topic}/${partition}`
  const ranges = Map.groupBy(
    land.takes.flatMap((take) => take.ranges),
    place,
  )
  const objects = Map.groupBy(marker.objects, place)
  return [...new Set([...ranges.keys(), ...objects.keys()])].flatMap((key) => {
    const wrong = misfitOf(ranges.get(key) ?? [], objects.get(key) ?? [])
    return wrong === undefined ? [] : [`land ${land.epoch}: ${key} ${wrong}`]
  })
}

/** What is wrong with the objects of a topic partition, beside the ranges they must hold; both in order. */
function misfitOf(ranges: readonly Range[], objects: LandedMarker['objects']): string | undefined {
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
  const missing = sum(ranges.map(({ count }) => count)) - sum(objects.map(({ lines }) => lines))
  if (missing !== 0) return `lacks ${missing} lines`
  let end = 0
  for (const { key, from, to, lines } of objects) {
    if (from < end) return `has offsets of ${key} in the object before it`
    if (lines !== to - from) return `has ${lines} lines in ${key}, and ${to - from} offsets`
    const inside = ranges.some((range) => range.from <= from && from < range.to)
    if (!inside) return `begins ${key} at offset ${from}, which is not in the land`
    end = to
  }
  const last = ranges.at(-1)
  return last && last.to < end ? `has offsets up to ${end}, and the land ends at ${last.to}` : undefined
}
