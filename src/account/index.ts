export type { DatasetAccount, PathAccount } from './account.ts'
export { type Check, type Verification, type VerifyParts, verify } from './verify.ts'
