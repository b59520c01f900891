import type { Engine } from '../engine/index.ts'
import type { EpochReaderParts } from '../lake/index.ts'
import type { Pipeline } from '../pipeline/index.ts'
import type { CatalogTable } from './catalog.ts'

/** A pipeline over its data, for who looks into it. */
export interface PipelineParts extends EpochReaderParts {
  pipeline: Pipeline
  catalog: readonly CatalogTable[]
  engine: Engine
}
