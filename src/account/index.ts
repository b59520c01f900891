export type { DatasetAccount, PathAccount } from './account.ts'
export type { Check } from './check.ts'
export { type Verification, verify } from './verify.ts'
