export { compact } from './compact.ts'
export type * from './node.ts'
export * from './scan.ts'
export { stringOf } from './text.ts'
