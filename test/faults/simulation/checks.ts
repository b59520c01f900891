import { isDeepStrictEqual } from 'node:util'
import { verify } from '../../../src/account/index.ts'
import { cleaningPaths } from '../../../src/clean/index.ts'
import type { Engine } from '../../../src/engine/index.ts'
import { EpochLog, Landing, valueIn } from '../../../src/lake/index.ts'
import type { Dataset, Pipeline } from '../../../src/pipeline/index.ts'
import { catalogOf } from '../../../src/query/index.ts'
import { foundIn } from '../../model/found.ts'
import { expectedOf, type PlacedVerdict, type Sample } from '../../model/things.ts'
import { Broken } from '../campaign.ts'
import { checkHistory, epochsFolder, type History, historyOf } from './history.ts'
import { type SharedStore, unscheduled } from './shared-store.ts'
import { type SimulatedLog, sameBytes } from './simulated-log.ts'
import { pipelineName } from './worker.ts'

export interface Finished {
  store: SharedStore
  log: SimulatedLog
  dataset: Dataset
  /** What each value means, by its place in the log. */
  samples: ReadonlyMap<string, readonly Sample[]>
  engine: Engine | undefined
  /** Whether `verify` recounts the tables, which takes longer than all else. */
  verifies: boolean
}

/**
 * Everything came through: the log's records are in the epoch log once, in the lake with their bytes, and in both tables
 * as the rules say. @returns how many records
 */
export async function checkFinished(finished: Finished): Promise<number> {
  const { store, log, dataset, engine, verifies } = finished
  const history = historyOf(store)
  const ends = new Map([...log.values].map(([key, values]) => [key, values.length]))
  const records = checkHistory(history, ends)
  const quiet = unscheduled(store)
  const epochs = await EpochLog.open(quiet, pipelineName)
  const landing = new Landing(quiet, pipelineName, 'topics')
  await checkReading(epochs, history)
  await checkLake(landing, history, finished)
  const datasets = engine && verifies ? [dataset] : []
  const pipeline: Pipeline = { name: pipelineName, folder: '', datasets, questions: [] }
  const catalog = engine && verifies ? catalogOf(pipeline, quiet, engine) : []
  const parts = { pipeline, log: log.log, lake: quiet, epochs, landing, catalog, engine: engine as Engine }
  const failed = (await verify(parts)).checks.find(({ ok }) => !ok)
  if (failed) throw new Broken(`verify: ${failed.name}: ${failed.detail}`)
  if (engine) await checkTables(finished, history)
  return records
}

/** A worker that starts now reads the same history. */
async function checkReading(epochs: EpochLog, history: History): Promise<void> {
  const lands = await epochs.landsAfter(0)
  if (!isDeepStrictEqual(lands, history.lands))
    throw new Broken(`the epoch log reads as lands ${lands}, and has ${history.lands}`)
  const read: number[] = []
  for await (const { epoch } of epochs.epochsAfter(0)) read.push(epoch)
  const takes = history.takes.map(({ epoch }) => epoch)
  if (!isDeepStrictEqual(read, takes))
    throw new Broken(`the epoch log reads as takes ${read}, and has ${takes}`)
}

/** Every value of the log is one line of one object that a marker names. */
async function checkLake(landing: Landing, { lands }: History, { store, log }: Finished): Promise<void> {
  const found = new Map<string, number>()
  for (const land of lands) {
    for (const { key, topic, partition, from } of (await landing.marker(land)).objects) {
      const lines = String(store.get(key)?.toString('latin1')).split('\n').slice(0, -1)
      for (const [at, line] of lines.entries()) {
        const place = `offset ${from + at} of ${topic}/${partition}`
        found.set(place, (found.get(place) ?? 0) + 1)
        const value = log.values.get(`${topic}/${partition}`)?.[from + at]
        if (value === undefined || !sameBytes(value, valueIn(Buffer.from(line, 'latin1'))))
          throw new Broken(`${place} lies in the lake with other bytes`)
      }
    }
  }
  const double = [...found].find(([, count]) => count > 1)
  if (double) throw new Broken(`${double[0]} lies in the lake ${double[1]} times`, { double: double[1] - 1 })
  const lost = [...log.values.values()].reduce((sum, values) => sum + values.length, 0) - found.size
  if (lost > 0) throw new Broken(`${lost} records are not in the lake`, { lost })
}

async function checkTables({ store, dataset, samples, engine }: Finished, history: History): Promise<void> {
  const expected = expectedOf(placed(history, samples, dataset.key), dataset)
  for (const path of cleaningPaths) {
    const found = await foundIn(unscheduled(store), engine!, `${path}/${dataset.name}`)
    if (isDeepStrictEqual(found, expected)) continue
    const lost = Math.max(0, expected.account.rows - found.rows.length)
    const double = Math.max(0, found.rows.length - expected.account.rows)
    const told = `holds ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`
    throw new Broken(`the ${path} table ${told}`, { lost, double })
  }
}

function* placed(
  { takes }: History,
  samples: Finished['samples'],
  key: readonly string[],
): Generator<PlacedVerdict> {
  for (const { epoch, ranges } of takes) {
    for (const { topic, partition, from, to } of ranges) {
      const sent = samples.get(`${topic}/${partition}`) ?? []
      for (const [at, { value, verdict }] of sent.slice(from, to).entries())
        yield { epoch, topic, partition, offset: from + at, value, verdict: verdict(key) }
    }
  }
}

/** What must hold at every moment: nothing that decides is written over, and a marker names only what is there. */
export function watch(store: SharedStore): void {
  store.beforeWrite = (key, content, present) => {
    if (present && !key.endsWith('/_last_checkpoint')) throw new Broken(`${key} was written over`)
    if (key.startsWith(`${epochsFolder.replace('/epochs/', '/landed/')}`)) {
      const { objects } = JSON.parse(String(content)) as { objects: { key: string }[] }
      const missing = objects.find((object) => !store.get(object.key))
      if (missing) throw new Broken(`${key} was put before ${missing.key}`)
    }
  }
}
