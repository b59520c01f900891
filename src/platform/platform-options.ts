import type { Logger } from 'pino'
import type { Config, PipelineError } from '../core/index.ts'
import type { Pipeline } from '../pipeline/index.ts'

export interface PlatformOptions {
  config: Config
  pipeline: Pipeline
  logger: Logger
  /** Continue with a log that is behind its lake. */
  adopt?: boolean
  /** Called when the process should end, for a supervisor to start it again. */
  onFatal?: (error: PipelineError) => void
}
