export { bytesOf, type KeptRefusal, type RefusalTotal, type Refused } from './refusal.ts'
export { RefusalBook, type RefusalBookOptions } from './refusal-book.ts'
