import { durationText } from '../../core/index.ts'
import type { KeptAnswer, QuestionAnswer } from '../../platform/index.ts'
import { answerText, type Format, markdown, markdownText } from './answer.ts'

/** An answer to a question: as it comes, or as it was kept. */
export type Asked = QuestionAnswer & { question: string } & Partial<
    Pick<KeptAnswer, 'rowCount'> & { changes: string[] }
  >

/** One answer as a person reads it: title, rows with ties marked, and what there is to say of them. */
export function questionText(asked: Asked, format: Extract<Format, 'table' | 'markdown'>): string {
  const { question, title, rows } = asked
  const notes = notesOf(asked)
  if (format === 'markdown') {
    const body = rows.length === 0 ? '' : `\n${markdown(asked)}`
    return `## ${markdownText(`${question}  ${title}`)}\n${body}${notes.map((note) => `\n${markdownText(note)}\n`).join('')}`
  }
  const marks = marksOf(asked)
  const lines = rows.length === 0 ? [] : [answerText(asked, marks)]
  return [`${question}  ${title}`, ...lines, ...notes.map((note) => `   ${note}`), ''].join('\n')
}

/** `=` for each row that shares its place; undefined where none does. */
function marksOf({ ties, rows }: Asked): string[] | undefined {
  const tied = new Set(ties?.places.flat().filter((at) => at < rows.length))
  return tied.size === 0 ? undefined : rows.map((_, at) => (tied.has(at) ? '=' : ''))
}

function notesOf({ rows, rowCount = rows.length, ties, changes = [] }: Asked): string[] {
  const notes: string[] = []
  if (rowCount === 0) notes.push('No rows: nothing in these tables answers it.')
  if (rowCount > rows.length) notes.push(`${rowCount - rows.length} more rows were not kept.`)
  if (ties && ties.places.length > 0) {
    const tied = ties.places.flat().length
    const places = ties.places.length === 1 ? 'one place' : `${ties.places.length} places`
    notes.push(`Ties: ${tied} rows share ${places} (equal in ${listed(ties.columns)}).`)
  }
  for (const change of changes) notes.push(`Since then ${change}.`)
  return notes
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** Which tables were read, at which versions, and how old the newest records in them are. */
export function tablesText(answers: readonly Asked[], nowMs: number): string {
  const versions = new Map<string, Set<number>>()
  let newestMs: number | undefined
  for (const { tables } of answers) {
    for (const [name, { version, dataTimeMs }] of Object.entries(tables)) {
      versions.set(name, (versions.get(name) ?? new Set()).add(version))
      if (dataTimeMs !== null) newestMs = Math.max(newestMs ?? 0, dataTimeMs)
    }
  }
  if (versions.size === 0) return 'No table was read.'
  const read = [...versions].sort().map(([name, seen]) => `${name} ${[...seen].join(' and ')}`)
  const age = newestMs === undefined ? '' : `. Newest records ${ageText(nowMs - newestMs)}`
  const time = newestMs === undefined ? '' : ` (${new Date(newestMs).toISOString().slice(0, 19)}Z)`
  return `Table versions: ${read.join(', ')}${age}${time}.`
}

/** `3 minutes ago` */
export function ageText(ageMs: number): string {
  if (ageMs < 0) return 'of a time to come, by the clock'
  return ageMs < 1_000 ? 'just now' : `${durationText(ageMs)} ago`
}
