import { type CleaningPath, reasons } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'

/** Which bad records are meant; what is absent does not narrow. */
export interface Filter {
  /** A code of the list, or a code and a column: `TYPE_MISMATCH`, `TYPE_MISMATCH age`. */
  reason?: string
  /** Those that this way of cleaning found bad. */
  path?: CleaningPath
  topic?: string
  partition?: number
  offset?: number
  /** Those that have been reviewed, or have not. */
  reviewed?: boolean
}

/** A condition in SQL, whose parameters are numbered from `$1`. What people wrote is in the parameters alone. */
export interface Condition {
  sql: string
  parameters: (string | number)[]
}

/** What of a filter a record's own columns tell. @throws REQUEST_INVALID when the reason is none of the list */
export function conditionOf({ reason, topic, partition, offset }: Filter): Condition {
  const parameters: (string | number)[] = []
  const parameter = (value: string | number, type: string): string =>
    `CAST($${parameters.push(value)} AS ${type})`
  const parts: string[] = []
  if (reason !== undefined) {
    const exact = parameter(reasonOf(reason), 'VARCHAR')
    parts.push(`(reason = ${exact} OR starts_with(reason, ${exact} || ' '))`)
  }
  if (topic !== undefined) parts.push(`topic = ${parameter(topic, 'VARCHAR')}`)
  if (partition !== undefined) parts.push(`"partition" = ${parameter(partition, 'BIGINT')}`)
  if (offset !== undefined) parts.push(`"offset" = ${parameter(offset, 'BIGINT')}`)
  return { sql: parts.join(' AND ') || 'true', parameters }
}

/** What of a filter shows once both ways of cleaning, and the reviews, are put together. */
export function markedConditionOf({ path, reviewed }: Filter): string {
  const parts: string[] = []
  if (path !== undefined) parts.push(path)
  if (reviewed !== undefined) parts.push(reviewed ? 'reviewed' : 'NOT reviewed')
  return parts.join(' AND ') || 'true'
}

/** A reason as it is stored: the code in capitals, a column as it is. @throws REQUEST_INVALID */
export function reasonOf(text: string): string {
  const [code = '', ...column] = text.trim().split(' ')
  const known = code.toUpperCase()
  if (Object.hasOwn(reasons, known)) return [known, ...column].join(' ')
  const list = Object.keys(reasons).join(', ')
  throw new PipelineError('REQUEST_INVALID', `there is no reason ${code}, but ${list}`)
}

/** A filter as people wrote it; empty where it does not narrow. */
export function textOfFilter({ reason, path, topic, partition, offset }: Filter): string {
  if (partition !== undefined) return `${topic}/${partition}/${offset}`
  const parts = { reason, path, topic }
  return Object.entries(parts)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))
    .join(', ')
}
