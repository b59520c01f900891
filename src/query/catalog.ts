import { type CleaningPath, cleaningPaths, dataTablePrefix, quarantineTablePrefix } from '../clean/index.ts'
import { type ObjectStore, PipelineError } from '../core/index.ts'
import type { Engine } from '../engine/index.ts'
import type { Pipeline } from '../pipeline/index.ts'
import { DeltaTable, type Snapshot } from '../table/index.ts'

/** A table of the platform, under the name it has in SQL. */
export interface CatalogTable {
  /** `stream.pin`, `batch.pin`, `quarantine.stream.pin`, … */
  name: string
  dataset: string
  path: CleaningPath
  kind: 'data' | 'quarantine'
  /** Its name in the original system; none for a quarantine. */
  alias?: string
  table: DeltaTable
}

/** Every table a pipeline has, there or not. */
export function catalogOf(pipeline: Pipeline, tables: ObjectStore, engine: Engine): CatalogTable[] {
  return pipeline.datasets.flatMap((dataset) =>
    cleaningPaths.flatMap((path): CatalogTable[] => [
      {
        name: `${path}.${dataset.name}`,
        dataset: dataset.name,
        path,
        kind: 'data',
        alias: dataset.tables[path],
        table: new DeltaTable(tables, dataTablePrefix(dataset.name, path), engine),
      },
      {
        name: `quarantine.${path}.${dataset.name}`,
        dataset: dataset.name,
        path,
        kind: 'quarantine',
        table: new DeltaTable(tables, quarantineTablePrefix(dataset.name, path), engine),
      },
    ]),
  )
}

/** A table with the version that a query sees. */
export interface SeenTable extends CatalogTable {
  snapshot: Snapshot
}

/** The newest versions of the tables that are there, and what keeps others from being read. */
export async function newestVersions(
  catalog: readonly CatalogTable[],
): Promise<{ seen: SeenTable[]; unreadable: { name: string; error: PipelineError }[] }> {
  const seen: SeenTable[] = []
  const unreadable: { name: string; error: PipelineError }[] = []
  for (const entry of catalog) {
    try {
      const snapshot = await entry.table.snapshot()
      if (snapshot) seen.push({ ...entry, snapshot })
    } catch (error) {
      if (!(error instanceof PipelineError) || error.retriable) throw error
      unreadable.push({ name: entry.name, error })
    }
  }
  return { seen, unreadable }
}
