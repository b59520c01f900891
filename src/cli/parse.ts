import { InvalidArgumentError } from 'commander'

/** Text of an option as a whole number from 0 on. */
export function count(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number.')
}

/** Text of an option as milliseconds since 1970. A time without an offset is UTC. */
export function timeMs(text: string): number {
  const hasOffset = /(Z|[+-]\d\d:?\d\d)$/i.test(text)
  const ms = /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(hasOffset || !/\d:\d\d/.test(text) ? text : `${text}Z`)
    : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw new InvalidArgumentError('It is a time such as 2024-09-30T12:00:00Z.')
}

/** A version of tables, or a time: what `--at` says. */
export function at(text: string): { version: number } | { timeMs: number } {
  if (/^\d{1,15}$/.test(text)) return { version: Number(text) }
  try {
    return { timeMs: timeMs(text) }
  } catch {
    throw new InvalidArgumentError('It is a version such as 12, or a time such as 2024-09-30T12:00:00Z.')
  }
}
