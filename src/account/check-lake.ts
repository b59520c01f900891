import { createHash } from 'node:crypto'
import { messageOf, type ObjectStore } from '../core/index.ts'
import type { LandEntry, LandedMarker } from '../lake/index.ts'
import type { Check, History, Landed, VerifyParts } from './check.ts'

const newline = 0x0a

/** The epoch log: ranges of each topic partition join, from offset 0 on. */
export async function checkEpochs(parts: VerifyParts, checks: Check[]): Promise<History> {
  const { epochs } = parts
  const lands: LandEntry[] = []
  // A platform that runs meanwhile goes on landing: read until nothing is new, then take the rest at one moment.
  while ((lands.at(-1)?.epoch ?? 0) < epochs.newestLand) {
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
function countNotTaken({ log, epochs }: VerifyParts): Map<string, number> {
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

/** The log: it ends at or after what was taken of it. */
export async function checkLog({ log, epochs }: VerifyParts, checks: Check[]): Promise<void> {
  const broken: string[] = []
  for (const { topic, partition, to } of epochs.ends()) {
    const known = log.topics().some(({ name, partitions }) => name === topic && partition < partitions)
    const end = known ? log.offsets(topic, partition).end : 0
    if (end < to) broken.push(`${topic}/${partition} ends at ${end}, the epoch log at ${to}`)
  }
  checks.push({
    name: 'log: not behind its lake',
    ok: broken.length === 0,
    detail: broken[0] ?? `${log.topics().length} topics end at or after what was taken`,
  })
}

/** Objects of every landed marker: there, unchanged, a line for each record of the land. */
export async function checkLake(
  { lake, landing }: VerifyParts,
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

/** Topic partitions of a land whose objects do not hold as many lines as the land has records. */
function uncovered(land: LandEntry, marker: LandedMarker): string[] {
  const missing = new Map<string, number>()
  const add = (key: string, count: number) => missing.set(key, (missing.get(key) ?? 0) + count)
  for (const { topic, partition, count } of land.takes.flatMap(({ ranges }) => ranges))
    add(`${topic}/${partition}`, count)
  for (const { topic, partition, lines } of marker.objects) add(`${topic}/${partition}`, -lines)
  const wrong = [...missing].filter(([, count]) => count !== 0)
  return wrong.map(([key, count]) => `land ${land.epoch}: ${key} lacks ${count} lines`)
}
