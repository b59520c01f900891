/**
 * What people can ask of a platform, each once: the HTTP API serves them, and the CLI runs them, here or through the
 * API of the process that owns the data folder.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { type LogRecord, PipelineError } from '../core/index.ts'
import {
  askQuestion,
  listTables,
  type Platform,
  report,
  runSql,
  Stopwatch,
  verifyPlatform,
} from '../platform/index.ts'
import { optimize, type Snapshot, vacuum, vacuumable } from '../table/index.ts'

export interface Context {
  platform: Platform
  /** Ends what goes on without end. */
  signal: AbortSignal
  /** Give one item of a result that has many, as it comes; settles when the next may be given. */
  emit: (item: unknown) => Promise<void> | void
}

type ParametersLike<Entries extends v.ObjectEntries> = v.StrictObjectSchema<Entries, undefined>

interface Operation<Entries extends v.ObjectEntries, Result> {
  parameters: ParametersLike<Entries>
  run(context: Context, parameters: v.InferOutput<ParametersLike<Entries>>): Promise<Result>
}

/** Ties an operation to its parameters. */
const operation = <Entries extends v.ObjectEntries, Result>(
  entries: Entries,
  run: Operation<Entries, Result>['run'],
): Operation<Entries, Result> => ({ parameters: v.strictObject(entries), run })

const path = v.picklist(['stream', 'batch'])
const integer = (min: number) => v.pipe(v.number(), v.integer(), v.minValue(min))

export const operations = {
  status: operation({}, async ({ platform }) => ({
    pipeline: platform.pipeline.name,
    workers: platform.states(),
  })),

  topics: operation({}, async ({ platform: { log } }) =>
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
    { topic: v.string(), confirm: v.string() },
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

  consume: operation({ topic: v.string(), fromBeginning: v.boolean(), follow: v.boolean() }, consume),

  sql: operation({ sql: v.string(), from: path }, async ({ platform, signal }, { sql, from }) =>
    readable(await runSql(platform, sql, from, signal)),
  ),

  questions: operation({}, async ({ platform }) =>
    platform.pipeline.questions.map(({ name, title }) => ({ name, title })),
  ),

  ask: operation({ question: v.string(), from: path }, async ({ platform, signal }, { question, from }) =>
    readable(await askQuestion(platform, question, from, signal)),
  ),

  tables: operation({}, ({ platform }) => listTables(platform)),

  history: operation({ table: v.string(), limit: integer(1) }, async ({ platform }, { table, limit }) =>
    tableNamed(platform, table).history(limit),
  ),

  optimize: operation({ table: v.string() }, async ({ platform }, { table }) => {
    const delta = tableNamed(platform, table)
    const carry = ({ commitInfo }: Snapshot) => ({ pinflow: commitInfo?.pinflow })
    const done = await platform.engine.with((session) =>
      optimize(delta, session, { nowMs: Date.now(), carry }),
    )
    return done ?? { removedFiles: 0, addedFiles: 0 }
  }),

  vacuum: operation({ table: v.string(), dryRun: v.boolean() }, async ({ platform }, { table, dryRun }) => {
    const delta = tableNamed(platform, table)
    const files = await (dryRun ? vacuumable : vacuum)(delta, { nowMs: Date.now() })
    return files.map(({ key, sizeBytes }) => ({ key, sizeBytes }))
  }),

  rebuild: operation({ dataset: v.string() }, async ({ platform }, { dataset }) => {
    refuseUnlessDataset(platform, dataset)
    await platform.rebuild(dataset)
    return listTables(platform)
  }),

  restore: operation(
    {
      dataset: v.string(),
      toEpoch: v.exactOptional(integer(0)),
      toTimeMs: v.exactOptional(integer(0)),
    },
    async ({ platform }, { dataset, toEpoch, toTimeMs }) => {
      refuseUnlessDataset(platform, dataset)
      if ((toEpoch === undefined) === (toTimeMs === undefined))
        throw new PipelineError('REQUEST_INVALID', 'restore takes one of toEpoch and toTimeMs')
      const target = toEpoch === undefined ? { timeMs: toTimeMs ?? 0 } : { epoch: toEpoch }
      return { pausedAt: await platform.restore(dataset, target) }
    },
  ),

  resume: operation({ dataset: v.string() }, async ({ platform }, { dataset }) => {
    refuseUnlessDataset(platform, dataset)
    return { goesOnAfter: await platform.resume(dataset) }
  }),

  verify: operation({}, ({ platform }) => verifyPlatform(platform)),

  runBatch: operation({}, async ({ platform, emit, signal }) => {
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
export type ParametersOf<Name extends OperationName> = v.InferOutput<(typeof operations)[Name]['parameters']>
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

/** An answer without bytes, which JSON has not. */
function readable(answer: Awaited<ReturnType<typeof runSql>>): typeof answer {
  return { ...answer, rows: answer.rows.map((row) => withoutBytes(row) as typeof row) }
}

function withoutBytes(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return textOrBase64(value)
  if (Array.isArray(value)) return value.map(withoutBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutBytes(member)]))
}

/** Bytes as text, or as `{ base64 }` where they are not UTF-8. */
function textOrBase64(bytes: Buffer | null): string | { base64: string } | null {
  if (bytes === null) return null
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }
}
