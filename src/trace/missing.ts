import { type CleaningPath, Preparer } from '../clean/index.ts'
import { durationText, PipelineError } from '../core/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import { bytesOf, type KeptRefusal } from '../refusals/index.ts'
import { scanSql } from '../table/index.ts'
import type { Cause } from './cause.ts'
import { carries, type KeyPart, keyParts } from './key.ts'
import type { Fate, RecordLife } from './life.ts'
import { nearKeys } from './near-keys.ts'
import type { Tracer } from './parts.ts'
import { traceRecord } from './record.ts'
import type { Found, Hit } from './search.ts'

/** Causes that are told; more of them say nothing new. */
const causesMax = 10

/** Why a dataset has no row with a key, from all that carries it. */
export async function whyMissing(
  tracer: Tracer,
  dataset: Dataset,
  texts: readonly string[],
  found: Found,
  { kept, others }: { kept: readonly KeptRefusal[]; others: number },
): Promise<Cause[]> {
  const parts = keyParts(dataset, texts)
  const causes: Cause[] = []
  const hits = (found.hits.get(dataset.name) ?? []).filter((hit) => concerns(tracer, dataset, hit))
  for (const hit of hits.slice(-causesMax)) {
    const cause = causeOf(await traceRecord(tracer, hit), dataset)
    if (cause) causes.push(cause)
  }
  for (const refusal of kept) {
    if (causes.length >= 2 * causesMax) break
    if (refusedKey(tracer, dataset, parts, refusal)) causes.push(refusedCause(refusal))
  }
  causes.sort((a, b) => timeOf(b) - timeOf(a))
  if (causes.length > 0) return causes.slice(0, causesMax)
  const halfKept = kept.filter((refusal) => mayConcern(tracer, dataset, refusal) && isCut(refusal)).length
  return [...possible(dataset, found), await neverCame(tracer, dataset, texts, found, halfKept + others)]
}

function timeOf(cause: Cause): number {
  return 'timeMs' in cause ? (cause.timeMs ?? 0) : 0
}

/** Whether a record that carries a dataset's key may have been meant for it. */
function concerns(tracer: Tracer, dataset: Dataset, { topic, value }: Hit): boolean {
  const reader = tracer.datasetOf(topic)
  if (reader?.name === dataset.name) return true
  const { bad } = new Preparer(dataset, tracer.parts.pipeline.datasets).prepare(value)
  const isOthers = bad?.reason === 'FOREIGN_RECORD'
  // What another dataset reads is its own, unless it looks like one of this.
  return reader ? !bad || /^(TYPE_MISMATCH|KEY_MISSING)/.test(bad.reason) : !isOthers
}

const order: readonly Fate['state'][] = ['quarantined', 'waiting', 'unreadable', 'gone', 'duplicate', 'row']

/** What the life of a record says of a key that has no row; undefined where it says nothing. */
function causeOf(record: RecordLife, dataset: Dataset): Cause | undefined {
  const place = `${record.topic}/${record.partition}/${record.offset}`
  const timeMs = timeIn(record)
  const cause = (
    name: Extract<Cause, { record: RecordLife }>['cause'],
    text: string,
    next: string,
  ): Cause => ({
    cause: name,
    text,
    next,
    ...(timeMs !== undefined && { timeMs }),
    record,
  })
  if (record.dataset === undefined) {
    const near =
      record.nearestTopic === undefined ? '' : `; the nearest that one does is ${record.nearestTopic}`
    return cause(
      'unreadTopic',
      `A record with this key came to topic ${record.topic} (${place}), which no dataset reads${near}.`,
      `Send it to ${dataset.topics.map(({ name }) => name).join(' or ')}.`,
    )
  }
  if (record.epoch.state === 'leftOut')
    return cause(
      'notTaken',
      `A record with this key came (${place}), and the setting lake.topics leaves its topic out: it is never taken.`,
      'Let `lake.topics` take the topic.',
    )
  const fates = [record.stream, record.batch].filter((fate) => fate !== undefined)
  const [fate] = fates.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  if (!fate) return undefined
  switch (fate.state) {
    case 'quarantined': {
      if (record.dataset !== dataset.name) {
        const text = `A record with this key came to ${record.topic}, which dataset ${record.dataset} reads (${place}), and is in ${fate.table}: ${fate.reason}${fate.rule === undefined ? '' : `, ${fate.rule}`}.`
        return cause(
          'otherDataset',
          text,
          `Send it to ${dataset.topics.map(({ name }) => name).join(' or ')}.`,
        )
      }
      const column = fate.column === undefined ? '' : `, ${fate.column} is ${fate.value ?? 'absent'}`
      const rule = fate.rule === undefined ? '' : ` (${fate.rule})`
      const text = `A record with this key came (${place}), and is in ${fate.table}: ${fate.reason}${column}${rule}.`
      if (!fate.passesNow) return cause('quarantined', text, fate.next)
      return cause(
        'olderDefinition',
        `${text} It was cleaned under an older definition, and passes under the present one.`,
        fate.next,
      )
    }
    case 'waiting':
      return cause(
        'waiting',
        `A record with this key came${agoText(fate.ageMs)} (${place}), and waits: ${fate.why}.`,
        fate.next,
      )
    case 'gone':
      return cause('gone', `A record with this key came (${place}): ${fate.why}.`, fate.next)
    case 'unreadable':
      return cause(
        'unreadable',
        `A record with this key came (${place}), and what became of it cannot be read: ${fate.message}.`,
        fate.next,
      )
    case 'row':
    case 'duplicate': {
      const own = dataset.key.map((column) => `${column} = ${String(fate.row[column])}`).join(', ')
      if (record.dataset !== dataset.name) return undefined
      return cause(
        'otherKey',
        `A record that carries this key came (${place}); cleaned, its key is ${own}.`,
        `Ask for that key.`,
      )
    }
  }
}

function agoText(ageMs: number | undefined): string {
  return ageMs === undefined ? '' : ` ${durationText(ageMs)} ago`
}

function timeIn({ log, epoch }: RecordLife): number | undefined {
  if (log.state === 'held') return log.appendTimeMs
  return epoch.state === 'taken' ? epoch.timeMs : undefined
}

function refusedKey(
  tracer: Tracer,
  dataset: Dataset,
  parts: readonly KeyPart[],
  refusal: KeptRefusal,
): boolean {
  if (!mayConcern(tracer, dataset, refusal)) return false
  const body = bytesOf(refusal)
  if (body.length === 0) return false
  return textsIn(body).some((text) => carriesAnywhere(parts, text))
}

/** Whether a refused request may have been meant for a dataset. */
function mayConcern(tracer: Tracer, { name }: Dataset, { topic }: KeptRefusal): boolean {
  return topic === undefined || [undefined, name].includes(tracer.datasetOf(topic)?.name)
}

/** Whether some of its body is not kept. */
function isCut(refusal: KeptRefusal): boolean {
  return refusal.bytes !== undefined && refusal.bytes > bytesOf(refusal).length
}

/** As text: a refused body may be anything, and is cut. */
function carriesAnywhere(parts: readonly KeyPart[], bytes: Buffer): boolean {
  // A byte before it makes it no JSON, so that members are found at any depth.
  return carries(parts, Buffer.concat([Buffer.from('~'), bytes]), undefined)
}

/** A body, what stands in it in base64, and the same without the escapes of JSON in a string. */
function textsIn(body: Buffer): Buffer[] {
  const text = body.toString()
  const encoded = [...text.matchAll(/"(?:Data|data|value)"\s*:\s*"([A-Za-z0-9+/]{8,}={0,2})/g)]
  return [
    body,
    ...(text.includes('\\"') ? [Buffer.from(text.replaceAll('\\"', '"'))] : []),
    ...encoded.map(([, base64 = '']) => Buffer.from(base64, 'base64')),
  ]
}

function refusedCause(refusal: KeptRefusal): Cause {
  const { door, method, path, status, code, message, timeMs } = refusal
  const time = new Date(timeMs).toISOString()
  const told = code === undefined ? message : `${code}: ${message}`
  return {
    cause: 'refused',
    text: `A request with this key was refused at ${time} by the door ${door} (${method} ${path}) with ${status}, ${told}`,
    next: status === 503 ? 'Send it again.' : 'Correct what the message names, and send it again.',
    timeMs,
    refusal,
  }
}

function possible({ topics }: Dataset, { gaps, unread }: Found): Cause[] {
  const names = new Set(topics.map(({ name }) => name))
  const causes: Cause[] = gaps
    .filter(({ gap }) => names.has(gap.topic))
    .map(({ gap, timeMs }) => ({
      cause: gap.kind,
      text: `It may be one of ${gap.count} records of ${gap.topic} that were ${gap.kind} at ${new Date(timeMs).toISOString()}: ${gap.why}. Their keys are not known.`,
      next: 'Send it again, if its sender still has it.',
      timeMs,
      topic: gap.topic,
      records: gap.count,
    }))
  causes.sort((a, b) => timeOf(b) - timeOf(a))
  if (unread.length > 0)
    causes.push({
      cause: 'unreadable',
      text: `It may be among what cannot be read: ${unread.slice(0, 3).join('; ')}.`,
      next: '`pinflow verify` says what is damaged.',
      unread,
    })
  return causes
}

async function neverCame(
  tracer: Tracer,
  dataset: Dataset,
  texts: readonly string[],
  { records }: Found,
  refusedUnseen: number,
): Promise<Cause> {
  const nearestKeys = await nearKeys(tracer, await tracer.traced(dataset), texts)
  const withoutKey = await unreadableKeys(tracer, dataset, 'stream')
  const near = nearestKeys.length > 0 ? ` The nearest that have rows: ${nearestKeys.join('; ')}.` : ''
  const unseen =
    refusedUnseen > 0
      ? ` It may have been in one of ${refusedUnseen} refused requests of which not everything is kept.`
      : ''
  const hidden = withoutKey > 0 ? ` ${withoutKey} records in quarantine have no key that can be read.` : ''
  return {
    cause: 'neverCame',
    text: `No record with this key came: all ${records} records there are were looked at.${near}${hidden}${unseen}`,
    next:
      withoutKey > 0
        ? `Look at its sender; \`pinflow quarantine list\` shows the records without a key.`
        : 'Look at its sender.',
    nearestKeys,
    recordsLookedAt: records,
    withoutKey,
    refusedUnseen,
  }
}

/** Records of a quarantine whose key nobody can know. */
async function unreadableKeys(tracer: Tracer, { name }: Dataset, path: CleaningPath): Promise<number> {
  const { table } = tracer.table(name, path, 'quarantine')
  try {
    const snapshot = await table.snapshot()
    if (!snapshot || snapshot.files.size === 0) return 0
    const relation = await scanSql(table.store, table.prefix, snapshot)
    const [row] = await tracer.parts.engine.with((session) =>
      session.rows(
        `SELECT count(*) AS count FROM ${relation} WHERE reason IN ('NULL_VALUE', 'NOT_JSON', 'INVALID_UNICODE', 'NOT_AN_OBJECT', 'KEY_MISSING')`,
      ),
    )
    return Number(row?.count ?? 0)
  } catch (error) {
    if (error instanceof PipelineError) return 0
    throw error
  }
}
