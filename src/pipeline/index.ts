export * from './define.ts'
export * from './load.ts'
export type * from './pipeline.ts'
