export { compact } from './compact.ts'
export * from './scan.ts'
export { stringOf } from './text.ts'
