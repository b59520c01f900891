import * as v from 'valibot'
import { mergeFileTags } from '../../clean/index.ts'
import { PipelineError } from '../../core/index.ts'
import { listTables, type Platform } from '../../platform/index.ts'
import { optimize, type Snapshot, vacuum, vacuumable } from '../../table/index.ts'
import { integer, operation, refuseOtherDefinition, refuseUnlessDataset } from './operation.ts'

/** Tables, kept in shape, made anew, taken back. */
export const tableOperations = {
  tables: operation({}, ({ platform }) => listTables(platform)),

  history: operation({ table: v.string(), limit: integer(1) }, async ({ platform }, { table, limit }) =>
    tableNamed(platform, table).history(limit),
  ),

  optimize: operation({ table: v.string() }, async ({ platform }, { table }) => {
    const delta = tableNamed(platform, table)
    const carry = ({ commitInfo }: Snapshot) => ({ pinflow: commitInfo?.pinflow })
    const done = await platform.engine.with((session) =>
      optimize(delta, session, { nowMs: Date.now(), carry, mergeTags: mergeFileTags }),
    )
    return done ?? { removedFiles: 0, addedFiles: 0 }
  }),

  vacuum: operation({ table: v.string(), dryRun: v.boolean() }, async ({ platform }, { table, dryRun }) => {
    const delta = tableNamed(platform, table)
    const files = await (dryRun ? vacuumable : vacuum)(delta, { nowMs: Date.now() })
    return files.map(({ key, sizeBytes }) => ({ key, sizeBytes }))
  }),

  rebuild: operation(
    { dataset: v.string(), definition: v.exactOptional(v.string()) },
    async ({ platform }, { dataset, definition }) => {
      refuseUnlessDataset(platform, dataset)
      refuseOtherDefinition(platform, dataset, definition)
      await platform.rebuild(dataset)
      return listTables(platform)
    },
  ),

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
} as const

/** @param name as `tables` lists them; data tables may also be named as in the original */
function tableNamed({ catalog }: Platform, name: string) {
  const found = catalog.find((entry) => entry.name === name || entry.alias === name)
  if (found) return found.table
  throw new PipelineError(
    'TABLE_UNKNOWN',
    `there is no table ${name}, but ${catalog.map((entry) => entry.name).join(', ')}`,
  )
}
