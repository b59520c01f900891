import type { Place } from '../core/index.ts'
import {
  type KeyTrace,
  parsePlace,
  placesOf,
  type RecordLife,
  Tracer,
  traceKey,
  traceRecord,
} from '../trace/index.ts'
import { nobodyLeaves } from './asking.ts'
import type { Platform } from './platform.ts'

/** A record by what a door answered: its place, or its sequence number. */
export type RecordHandle = { record: string } | { sequenceNumber: string; stream?: string }

/** The lives of the records that a handle means: one, but for sequence numbers that several streams have given. */
export async function traceRecords(
  platform: Platform,
  handle: RecordHandle,
  signal?: AbortSignal,
): Promise<RecordLife[]> {
  const tracer = tracerOf(platform, signal)
  const places: Place[] =
    'record' in handle ? [parsePlace(handle.record)] : placesOf(tracer, handle.sequenceNumber, handle.stream)
  const lives: RecordLife[] = []
  for (const place of places) lives.push(await traceRecord(tracer, place))
  return lives
}

/** What became of a key in each dataset, or in one. */
export function traceKeyOf(
  platform: Platform,
  key: string,
  dataset?: string,
  signal?: AbortSignal,
): Promise<KeyTrace> {
  return traceKey(tracerOf(platform, signal), key, dataset)
}

function tracerOf(platform: Platform, signal = nobodyLeaves): Tracer {
  const { pipeline, log, lake, epochs, landing, catalog, engine, folder, config, refusals } = platform
  const states = platform.states()
  return new Tracer({
    pipeline,
    log,
    lake,
    epochs,
    landing,
    catalog,
    engine,
    temporaryFolder: folder.path('tmp'),
    running: platform.running,
    takeMs: config.take.ageMs,
    landMs: config.land.ageMs,
    takenTopics: config.lake.topics,
    cleaning: (path, dataset) => states[`${path}.${dataset}`],
    refusals: async () => {
      const kept = await refusals.newest()
      const all = refusals.totals().kinds.reduce((sum, kind) => sum + kind.refusals, 0)
      return { kept, others: Math.max(0, all - kept.length) }
    },
    signal,
    nowMs: Date.now(),
  })
}
