import type { Log } from '../log/index.ts'
import type { GatewayOptions } from './options.ts'
import type { Traffic } from './traffic.ts'

/** Whether a record's value would be quarantined when it is cleaned. */
export type Judge = (topic: string, value: Buffer | null) => boolean

/** Where failures that are ours are written; a pino logger is one. */
export interface GatewayLogger {
  error(fields: object, message: string): void
}

/** What every door works with. */
export interface GatewayContext {
  log: Log
  options: GatewayOptions
  hold: Traffic['hold']
  judge?: Judge
}
