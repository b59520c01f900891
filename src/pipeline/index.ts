export { checkCleaningText } from './cleaning-text.ts'
export * from './define.ts'
export * from './load.ts'
export type * from './pipeline.ts'
