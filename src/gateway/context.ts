import type { Log } from '../log/index.ts'
import type { Refused } from '../refusals/index.ts'
import type { GatewayOptions } from './options.ts'
import type { Traffic } from './traffic.ts'

/** Whether a record's value would be quarantined when it is cleaned. */
export type Judge = (topic: string, value: Buffer | null) => boolean

/** Where failures that are ours are written; a pino logger is one. */
export interface GatewayLogger {
  error(fields: object, message: string): void
}

/** Who is told of what does not go well. */
export interface GatewayWatch {
  logger?: GatewayLogger
  /** Told of every request or record that is refused; must neither throw nor take long. */
  onRefused?: (refused: Refused) => void
}

/** What every door works with. */
export interface GatewayContext {
  log: Log
  options: GatewayOptions
  hold: Traffic['hold']
  judge?: Judge
  /** Told of records that are refused while others of their request are not. */
  onRecordRefused?: (
    refused: Pick<Refused, 'status' | 'code' | 'message' | 'body'> & { topic: string },
  ) => void
}
