import { cleaningPaths, epochOf } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { DatasetKey, KeyTrace } from './cause.ts'
import { placeOf } from './fate.ts'
import { keyParts, parseKey } from './key.ts'
import { makerOf } from './maker.ts'
import { whyMissing } from './missing.ts'
import type { Tracer } from './parts.ts'
import { traceRecord } from './record.ts'
import { findRow } from './rows.ts'
import { searchRecords } from './search.ts'

/**
 * What became of a key in each dataset that can have it: the life of the record that made its row, or why there is none.
 *
 * @param only the dataset to look in
 * @throws TABLE_UNKNOWN for a dataset that is none; REQUEST_INVALID for what is no key of any
 */
export async function traceKey(tracer: Tracer, text: string, only?: string): Promise<KeyTrace> {
  const keys = keysIn(tracer, text, only)
  const datasets: DatasetKey[] = []
  for (const { dataset, texts } of keys) datasets.push(await present(tracer, dataset, texts))
  const missing = keys.filter((_, at) => datasets[at]?.state === 'missing')
  if (missing.length > 0) {
    const sought = new Map(missing.map(({ dataset, texts }) => [dataset.name, keyParts(dataset, texts)]))
    const found = await searchRecords(tracer, sought)
    const refusals = await tracer.parts.refusals()
    for (const { dataset, texts } of missing) {
      const told = datasets.find((one) => one.dataset === dataset.name)
      if (told) told.causes = await whyMissing(tracer, dataset, texts, found, refusals)
    }
  }
  return { key: text, datasets }
}

interface AskedKey {
  dataset: Dataset
  texts: string[]
}

function keysIn({ parts: { pipeline } }: Tracer, text: string, only: string | undefined): AskedKey[] {
  const { datasets } = pipeline
  if (only !== undefined && !datasets.some(({ name }) => name === only))
    throw new PipelineError(
      'TABLE_UNKNOWN',
      `there is no dataset ${only}, but ${datasets.map(({ name }) => name).join(', ')}`,
    )
  const asked = datasets.filter(({ name }) => only === undefined || name === only)
  const keys = asked.flatMap((dataset) => {
    const texts = dataset.key.length > 0 ? parseKey(text, dataset) : undefined
    return texts ? [{ dataset, texts }] : []
  })
  if (keys.length > 0) return keys
  const forms = asked.map(({ name, key }) => `${name} by ${key.length === 0 ? 'none' : key.join(', ')}`)
  throw new PipelineError(
    'REQUEST_INVALID',
    `${text} is no key here; datasets and their keys: ${forms.join('; ')}`,
  )
}

async function present(tracer: Tracer, dataset: Dataset, texts: readonly string[]): Promise<DatasetKey> {
  const wanted = dataset.key.map((column, at) => ({ column, text: texts[at] ?? '' }))
  const key = Object.fromEntries(wanted.map(({ column, text }) => [column, text]))
  const rows: NonNullable<DatasetKey['rows']> = []
  let record: DatasetKey['record']
  for (const path of cleaningPaths) {
    const entry = tracer.table(dataset.name, path, 'data')
    const snapshot = await readable(() => entry.table.snapshot())
    const found = snapshot && (await readable(() => findRow(entry, snapshot, wanted)))
    if (!snapshot || !found) continue
    rows.push({ table: entry.name, row: found.row })
    if (record) continue
    const maker = await makerOf(tracer, await tracer.traced(dataset), found, epochOf(snapshot))
    if (maker) record = await traceRecord(tracer, placeOf(maker))
  }
  if (rows.length === 0) return { dataset: dataset.name, key, state: 'missing' }
  return { dataset: dataset.name, key, state: 'present', ...(record && { record }), rows }
}

/** A table that cannot be read has no rows to show: what is wrong with it is told where it is asked for. */
async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof PipelineError) return undefined
    throw error
  }
}
