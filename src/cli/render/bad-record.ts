import type { CleaningPath } from '../../clean/index.ts'

/** Bytes as an operation gives them. */
export type Told = string | { base64: string } | null

export function pathsText(paths: readonly CleaningPath[]): string {
  return paths.join(' and ')
}

export function timeText(timeMs: number | null): string {
  return timeMs === null
    ? ''
    : new Date(timeMs)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z')
}

/** The beginning of a value in one line. */
export function beginningText(beginning: Told, valueBytes: number | null): string {
  if (beginning === null) return 'no value'
  if (typeof beginning === 'string') {
    const isCut = valueBytes !== null && Buffer.byteLength(beginning) < valueBytes
    return `${beginning}${isCut ? '…' : ''}`
  }
  return `${valueBytes ?? ''} bytes: ${Buffer.from(beginning.base64, 'base64').toString('hex')}`
}
