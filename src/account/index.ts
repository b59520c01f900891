export type { DatasetAccount, PathAccount } from './account.ts'
export type { Check, VerifyParts } from './check.ts'
export { type Verification, verify } from './verify.ts'
