export { EmbeddedLog } from './embedded/embedded-log.ts'
export type { EmbeddedLogOptions } from './embedded/options.ts'
export type * from './log.ts'
export * from './partitioner.ts'
