import { createHash } from 'node:crypto'
import { definitionOf } from '../clean/index.ts'
import { countText, distance, errorCodes, nearest } from '../core/index.ts'
import { topicMatcher } from '../lake/index.ts'
import { fail, ok, type Verdict, warn } from './finding.ts'
import { type Inside, takenRecords } from './inside.ts'

const quarantineReadMin = 20
/** Files of each table that are read unless all are asked for, the newest first. */
const sampleFiles = 3
const sampleBytesMax = 64 * 2 ** 20

/** Workers that stand still, with the command that helps. */
export function workers({ platform, unreadable }: Inside): Verdict {
  const states = Object.entries(platform.states())
  const failing = states.filter(([, { error }]) => error !== undefined)
  const paused = states.filter(([, { state }]) => state === 'paused').map(([name]) => name)
  const [worst] = failing
  if (worst) {
    const [name, { state, error, code }] = worst
    const others = failing.length > 1 ? ` (and ${failing.length - 1} more: see \`pinflow tables\`)` : ''
    const dataset = name.split('.')[1] ?? name
    const next = code === undefined ? 'Please report it.' : errorCodes[code].next
    const fault = code === undefined ? 'ours' : errorCodes[code].fault
    return fail(`${name} ${state}: ${error}${others}`, next.replaceAll('<dataset>', dataset), fault)
  }
  const [damaged] = unreadable
  if (damaged)
    return fail(`${damaged.name} cannot be read: ${damaged.error.message}`, damaged.error.next, 'ours')
  if (paused.length > 0) {
    const datasets = [...new Set(paused.map((name) => name.split('.')[1]))]
    const resume = datasets.map((dataset) => `\`pinflow tables resume ${dataset}\``).join(', ')
    return warn(`${paused.join(', ')} are paused by a restore`, `${resume} lets them go on.`)
  }
  return ok(`none of ${states.length} stands still`)
}

/** Tables that were made by another definition than their dataset has. */
export function definitions({ platform, tables }: Inside): Verdict {
  const present = new Map(platform.pipeline.datasets.map(({ name, definition }) => [name, definition]))
  const changed = tables.filter(
    ({ dataset, kind, snapshot }) => kind === 'data' && present.get(dataset) !== definitionOf(snapshot),
  )
  if (changed.length === 0) return ok('the tables were made by the definitions that the pipeline has')
  const datasets = [...new Set(changed.map(({ dataset }) => dataset))]
  const rebuild = datasets.map((dataset) => `\`pinflow tables rebuild ${dataset}\``).join(', ')
  return fail(
    `${changed.map(({ name }) => name).join(', ')} were made by another definition, and are not added to`,
    `${rebuild} makes the tables anew; or put the former columns, key and cleaning text back.`,
  )
}

/** Topics with records that no dataset reads: most often the name was mistyped. */
export function strayTopics({ platform: { log, pipeline } }: Inside): Verdict {
  const read = pipeline.datasets.flatMap(({ topics }) => topics.map(({ name }) => name))
  const stray = log
    .topics()
    .filter(({ name }) => !read.includes(name))
    .map(({ name, partitions }) => ({ name, records: recordsIn(log, name, partitions) }))
    .filter(({ records }) => records > 0)
  if (stray.length === 0) return ok('every topic with records is read by a dataset')
  const told = stray.map(({ name, records }) => `${name} (${countText(records, 'record')})`)
  const meant = stray.flatMap(({ name }) => {
    const [closest = ''] = nearest(name, read, 1)
    return distance(name, closest) <= Math.max(2, name.length / 3) ? [`${name} is near to ${closest}`] : []
  })
  const hint = meant.length === 0 ? '' : `: ${meant.join(', ')}`
  return warn(
    `no dataset reads ${told.join(', ')}`,
    `Send the records again to the right topic${hint}; or name the topic in a dataset of the pipeline.`,
  )
}

function recordsIn(log: Inside['platform']['log'], topic: string, partitions: number): number {
  return Array.from({ length: partitions }, (_, partition) => log.offsets(topic, partition)).reduce(
    (sum, { start, end }) => sum + end - start,
    0,
  )
}

/** Datasets none of whose topics ever got a record, or whose topics are not taken. */
export function silentDatasets(inside: Inside): Verdict {
  const { log, pipeline, config } = inside.platform
  const takes = topicMatcher(config.lake.topics)
  const untaken = pipeline.datasets.flatMap(({ topics }) =>
    topics.map(({ name }) => name).filter((name) => !takes(name)),
  )
  if (untaken.length > 0) {
    return warn(
      `${untaken.join(', ')} are not taken, so their records reach neither lake nor tables`,
      'Let `lake.topics` match them; its default is *.',
    )
  }
  const ends = new Map(
    log
      .topics()
      .map(({ name, partitions }) => [
        name,
        Array.from({ length: partitions }, (_, partition) => log.endOf(name, partition)),
      ]),
  )
  const hasRecords = (topic: string) => (ends.get(topic) ?? []).some((end) => end > 0)
  const silent = pipeline.datasets.filter(
    (dataset) => takenRecords(inside, dataset) === 0 && !dataset.topics.some(({ name }) => hasRecords(name)),
  )
  if (silent.length === 0) return ok('every dataset has got records')
  const told = silent.map(({ name, topics }) => `${name} (${topics.map((topic) => topic.name).join(', ')})`)
  return warn(
    `no record ever came for ${told.join('; ')}`,
    'Send to one of the named topics; `pinflow demo` shows how it looks when all is well.',
  )
}

/** Datasets many of whose records are bad. */
export function quarantine({ accounts, platform }: Inside): Verdict {
  const shareMax = platform.config.quarantine.alertPercent / 100
  const shares = [...accounts].filter(([, { read }]) => read > 0)
  if (shares.length === 0) return ok('no record has been cleaned yet')
  const high = shares.filter(
    ([, { read, quarantined }]) => read >= quarantineReadMin && quarantined > shareMax * read,
  )
  const text = ([name, { read, quarantined }]: (typeof shares)[number]) =>
    `${name} ${quarantined} of ${read} (${((100 * quarantined) / read).toFixed(1)} %)`
  if (high.length === 0) return ok(`in quarantine: ${shares.map(text).join(', ')}`)
  return warn(
    `much is in quarantine: ${high.map(text).join(', ')}`,
    '`pinflow quarantine` counts by reason; `pinflow explain REASON` says what a reason means.',
  )
}

/** The newest files of each table, or all of them, against the SHA-256 in the table's log. */
export async function files({ tables, deep }: Inside): Promise<Verdict> {
  let looked = 0
  let untold = 0
  let all = 0
  for (const { name, table, snapshot } of tables) {
    const newest = [...snapshot.files].toSorted(([, a], [, b]) => b.modificationTime - a.modificationTime)
    all += newest.length
    let bytes = 0
    for (const [path, { tags, size }] of deep ? newest : newest.slice(0, sampleFiles)) {
      bytes += size
      if (!deep && bytes > sampleBytesMax) break
      const content = await table.store.get(`${table.prefix}/${path}`)
      looked++
      const dataset = name.split('.').at(-1)
      const next = `Run \`pinflow tables rebuild ${dataset}\`, which makes the tables again from the lake; or put the file back from a copy.`
      if (!content) return fail(`${name}: ${path} is missing`, next, 'ours')
      if (tags?.sha256 === undefined) untold++
      else if (createHash('sha256').update(content).digest('hex') !== tags.sha256)
        return fail(`${name}: ${path} is not as it was written`, next, 'ours')
    }
  }
  const rest = looked < all ? `, the newest of ${all}; --deep reads all` : ''
  const without = untold > 0 ? `, ${untold} have no checksum` : ''
  return ok(`${countText(looked, 'file')} as written${without}${rest}`)
}
