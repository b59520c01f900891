export { EmbeddedLog, type EmbeddedLogOptions } from './embedded/embedded-log.ts'
export type * from './log.ts'
export * from './partitioner.ts'
