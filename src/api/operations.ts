/**
 * What people can ask of a platform, each once: the HTTP API serves them, and the CLI runs them, here or through the
 * API of the process that owns the data folder.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Static, type TObject, Type } from 'typebox'
import { type LogRecord, PipelineError } from '../core/index.ts'
import {
  emitQuestion,
  emitSql,
  listTables,
  type Platform,
  report,
  Stopwatch,
  verifyPlatform,
} from '../platform/index.ts'
import { type RowSink, textOrBase64 } from '../query/index.ts'
import { optimize, type Snapshot, vacuum, vacuumable } from '../table/index.ts'

export interface Context {
  platform: Platform
  /** Ends what goes on without end. */
  signal: AbortSignal
  /** Give one item of a result that has many, as it comes; settles when the next may be given. */
  emit: (item: unknown) => Promise<void> | void
}

interface Operation<Parameters extends TObject = TObject, Result = unknown> {
  parameters: Parameters
  run(context: Context, parameters: Static<Parameters>): Promise<Result>
}

/** Ties an operation's parameters to its schema. */
const operation = <Parameters extends TObject, Result>(
  parameters: Parameters,
  run: (context: Context, parameters: Static<Parameters>) => Promise<Result>,
): Operation<Parameters, Result> => ({ parameters, run })

const path = Type.Union([Type.Literal('stream'), Type.Literal('batch')])
const strict = { additionalProperties: false }

export const operations = {
  status: operation(Type.Object({}, strict), async ({ platform }) => ({
    pipeline: platform.pipeline.name,
    workers: platform.states(),
  })),

  topics: operation(Type.Object({}, strict), async ({ platform: { log } }) =>
    log.topics().map(({ name, partitions, partitioner }) => ({
      name,
      partitioner,
      partitions: Array.from({ length: partitions }, (_, partition) => ({
        partition,
        ...log.offsets(name, partition),
      })),
    })),
  ),

  deleteTopic: operation(
    Type.Object({ topic: Type.String(), confirm: Type.String() }, strict),
    async ({ platform }, { topic, confirm }) => {
      platform.log.topic(topic)
      if (confirm !== topic)
        throw new PipelineError('REQUEST_INVALID', `to delete topic ${topic}, name it again as confirm`)
      const dataset = platform.pipeline.datasets.find(({ topics }) =>
        topics.some(({ name }) => name === topic),
      )
      return { ...(await platform.deleteTopic(topic)), ...(dataset && { dataset: dataset.name }) }
    },
  ),

  consume: operation(
    Type.Object({ topic: Type.String(), fromBeginning: Type.Boolean(), follow: Type.Boolean() }, strict),
    consume,
  ),

  sql: operation(
    Type.Object({ sql: Type.String(), from: path }, strict),
    ({ platform, signal, emit }, { sql, from }) => emitSql(platform, sql, from, itemsOf(emit), signal),
  ),

  questions: operation(Type.Object({}, strict), async ({ platform }) =>
    platform.pipeline.questions.map(({ name, title }) => ({ name, title })),
  ),

  ask: operation(
    Type.Object({ question: Type.String(), from: path }, strict),
    ({ platform, signal, emit }, { question, from }) =>
      emitQuestion(platform, question, from, itemsOf(emit), signal),
  ),

  tables: operation(Type.Object({}, strict), ({ platform }) => listTables(platform)),

  history: operation(
    Type.Object({ table: Type.String(), limit: Type.Integer({ minimum: 1 }) }, strict),
    async ({ platform }, { table, limit }) => tableNamed(platform, table).history(limit),
  ),

  optimize: operation(Type.Object({ table: Type.String() }, strict), async ({ platform }, { table }) => {
    const delta = tableNamed(platform, table)
    const carry = ({ commitInfo }: Snapshot) => ({ pinflow: commitInfo?.pinflow })
    const done = await platform.engine.with((session) =>
      optimize(delta, session, { nowMs: Date.now(), carry }),
    )
    return done ?? { removedFiles: 0, addedFiles: 0 }
  }),

  vacuum: operation(
    Type.Object({ table: Type.String(), dryRun: Type.Boolean() }, strict),
    async ({ platform }, { table, dryRun }) => {
      const delta = tableNamed(platform, table)
      const files = await (dryRun ? vacuumable : vacuum)(delta, { nowMs: Date.now() })
      return files.map(({ key, sizeBytes }) => ({ key, sizeBytes }))
    },
  ),

  rebuild: operation(Type.Object({ dataset: Type.String() }, strict), async ({ platform }, { dataset }) => {
    refuseUnlessDataset(platform, dataset)
    await platform.rebuild(dataset)
    return listTables(platform)
  }),

  restore: operation(
    Type.Object(
      {
        dataset: Type.String(),
        toEpoch: Type.Optional(Type.Integer({ minimum: 0 })),
        toTimeMs: Type.Optional(Type.Integer({ minimum: 0 })),
      },
      strict,
    ),
    async ({ platform }, { dataset, toEpoch, toTimeMs }) => {
      refuseUnlessDataset(platform, dataset)
      if ((toEpoch === undefined) === (toTimeMs === undefined))
        throw new PipelineError('REQUEST_INVALID', 'restore takes one of toEpoch and toTimeMs')
      const target = toEpoch === undefined ? { timeMs: toTimeMs ?? 0 } : { epoch: toEpoch }
      return { pausedAt: await platform.restore(dataset, target) }
    },
  ),

  resume: operation(Type.Object({ dataset: Type.String() }, strict), async ({ platform }, { dataset }) => {
    refuseUnlessDataset(platform, dataset)
    return { goesOnAfter: await platform.resume(dataset) }
  }),

  verify: operation(Type.Object({}, strict), ({ platform }) => verifyPlatform(platform)),

  runBatch: operation(Type.Object({}, strict), async ({ platform, emit, signal }) => {
    const seconds = new Stopwatch()
    // What stands in the way of one dataset is said once the others are done.
    const failures: unknown[] = []
    await platform.settle(Number.POSITIVE_INFINITY, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      failures.push(error)
    })
    seconds.lap('settle')
    await platform
      .runBatch(() => void emit({ step: 'batch' }))
      .catch((error: unknown) => void failures.push(error))
    seconds.lap('batch')
    if (failures.length > 0) throw failures[0]
    return report(platform, { seconds })
  }),
} as const

export type OperationName = keyof typeof operations
export type ParametersOf<Name extends OperationName> = Static<(typeof operations)[Name]['parameters']>
export type ResultOf<Name extends OperationName> = Awaited<ReturnType<(typeof operations)[Name]['run']>>

/** @throws TABLE_UNKNOWN */
function refuseUnlessDataset({ pipeline }: Platform, dataset: string): void {
  if (pipeline.datasets.some(({ name }) => name === dataset)) return
  const known = pipeline.datasets.map(({ name }) => name).join(', ')
  throw new PipelineError('TABLE_UNKNOWN', `there is no dataset ${dataset}, but ${known}`)
}

/** @param name as `tables` lists them; data tables may also be named as in the original */
function tableNamed({ catalog }: Platform, name: string) {
  const found = catalog.find((entry) => entry.name === name || entry.alias === name)
  if (found) return found.table
  throw new PipelineError(
    'TABLE_UNKNOWN',
    `there is no table ${name}, but ${catalog.map((entry) => entry.name).join(', ')}`,
  )
}

/** Rows as items `{ rows }`, so that no answer is held; `{ columns }` comes before them. */
function itemsOf(emit: Context['emit']): RowSink {
  return { onColumns: (columns) => emit({ columns }), onRows: (rows) => emit({ rows }) }
}

/** What one read brings, and how many of the newest records are shown when none is asked for. */
const page = { records: 500, bytes: 2 ** 18 }
const newestShown = 10
const followPollMs = 100

/** Emit records of a topic: all, or else the newest ten of each partition; with `follow`, then what comes. */
async function consume(
  { platform: { log }, signal, emit }: Context,
  { topic, fromBeginning, follow }: { topic: string; fromBeginning: boolean; follow: boolean },
): Promise<{ records: number }> {
  const { partitions } = log.topic(topic)
  const next = Array.from({ length: partitions }, (_, partition) => {
    const { start, end } = log.offsets(topic, partition)
    return fromBeginning ? start : Math.max(start, end - newestShown)
  })
  let records = 0
  for (;;) {
    let found = false
    for (const [partition, from] of next.entries()) {
      // What retention, or a topic made anew, has left behind is passed over.
      const { start } = log.offsets(topic, partition)
      // As texts: a record keeps the whole request in memory with which it came.
      for (const item of log.read(topic, partition, Math.max(from, start), page).map(shown)) {
        found = true
        records++
        next[partition] = item.offset + 1
        await emit(item)
        if (signal.aborted) return { records }
      }
    }
    if (signal.aborted || (!found && !follow)) return { records }
    await sleep(found ? 0 : followPollMs, undefined, { signal }).catch(() => undefined)
  }
}

function shown({ topic, partition, offset, key, value, headers, timestampMs }: LogRecord) {
  const named = headers.map(([name, content]) => [name, textOrBase64(content)])
  return {
    topic,
    partition,
    offset,
    key: textOrBase64(key),
    value: textOrBase64(value),
    headers: named,
    timestampMs,
  }
}
