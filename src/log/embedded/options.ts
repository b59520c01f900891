import type { Clock, PipelineError } from '../../core/index.ts'

export interface EmbeddedLogOptions {
  /** A record's key, value and headers together. */
  recordBytesMax: number
  /** A segment that holds as much is followed by a new one. */
  segmentBytes: number
  /** A segment that is as old is followed by a new one. */
  segmentAgeMs: number
  /** Appends are refused with LOG_FULL while the volume has less free; never less than 1 MiB. */
  freeBytesMin: number
  clock?: Clock
  /** Called once when the log can no longer be trusted to write: end the process. */
  onFatal?: (error: PipelineError) => void
}
