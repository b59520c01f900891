import type { RawColumn } from './define.ts'

/** What a raw column takes, for people. */
export function typeText(raw: RawColumn): string {
  switch (raw.type) {
    case 'text':
      return 'a text or a number'
    case 'integer':
      return `a whole number${limits(raw.min ?? -(2 ** 31), raw.max ?? 2 ** 31 - 1)}`
    case 'double':
      return `a number${limits(raw.min, raw.max)}`
    case 'timestamp':
      return 'a date, or date and time, such as 2024-09-30 12:00:00'
  }
}

function limits(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return `, ${min} or more`
  return max === undefined ? '' : `, ${max} or less`
}
