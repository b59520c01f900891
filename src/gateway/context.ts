import type { Log } from '../log/index.ts'
import type { GatewayOptions } from './options.ts'

/** Whether a record's value would be quarantined when it is cleaned. */
export type Judge = (topic: string, value: Buffer | null) => boolean

/** What every door works with. */
export interface GatewayContext {
  log: Log
  options: GatewayOptions
  judge?: Judge
}
