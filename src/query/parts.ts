import type { ObjectStore } from '../core/index.ts'
import type { Engine } from '../engine/index.ts'
import type { EpochLog, Landing } from '../lake/index.ts'
import type { Log } from '../log/index.ts'
import type { Pipeline } from '../pipeline/index.ts'
import type { CatalogTable } from './catalog.ts'

/** A pipeline over its data, for who looks into it. */
export interface PipelineParts {
  pipeline: Pipeline
  log: Log
  lake: ObjectStore
  epochs: EpochLog
  landing: Landing
  catalog: readonly CatalogTable[]
  engine: Engine
}
