import type { ResultOf } from '../../api/index.ts'
import { answerTable } from './answer-table.ts'
import { beginningText } from './bad-record.ts'

type Replayed = ResultOf<'quarantineReplay'>
type Change = Replayed['preview'][number]
type BadExample = Change['examples']['leave'][number]
type RowExample = Change['examples']['changed'][number]

/** What a replay would change, or has changed, for people. */
export function replayText({ dataset, preview, nothing, done, asPreviewed }: Replayed): string {
  const lines: string[] = []
  const shown = done ?? preview
  for (const [paths, change] of together(shown))
    lines.push(...changeLines(dataset, paths, change, done !== undefined), '')
  if (nothing) lines.push(...nothingLines(preview))
  else if (!done)
    lines.push(
      `Nothing was changed yet. \`pinflow quarantine replay ${dataset} --yes\` does it: cleaning of ${dataset} as a stream`,
      'holds meanwhile, records go on coming in, and readers see all of it at once.',
    )
  else if (asPreviewed) lines.push('That is what the preview said.')
  else lines.push('This is not what the preview said: other work has changed the tables meanwhile.')
  return lines.join('\n')
}

function nothingLines(preview: readonly Change[]): string[] {
  const waiting = Math.max(...preview.map((change) => change.waiting))
  const rest =
    waiting > 0
      ? ` ${count(waiting, 'record')} only ${waiting === 1 ? 'waits' : 'wait'} for the next cleaning.`
      : ''
  return [`Nothing would change.${rest}`]
}

/** Both ways of cleaning as one, where they say the same. */
function together(changes: readonly Change[]): [string, Change][] {
  const same = new Map<string, { paths: string[]; change: Change }>()
  for (const change of changes) {
    const { path, ...rest } = change
    const key = JSON.stringify(rest)
    const known = same.get(key) ?? { paths: [], change }
    known.paths.push(path)
    same.set(key, known)
  }
  return [...same.values()].map(({ paths, change }) => [paths.join(' and '), change])
}

function changeLines(dataset: string, paths: string, change: Change, isDone: boolean): string[] {
  const { leave, stay, otherReason, newlyBad, rows, waiting, examples, definitionChanged, whole } = change
  const of = definitionChanged ? ': made by another definition than the present one' : ''
  const lines = [`${dataset}, ${paths}${isDone ? '' : of}`]
  if (!whole && !isDone)
    lines.push(
      '  The tables are paused by a restore, or a rebuild of them was cut off: a replay brings them up.',
    )
  const reasons = [
    ...leave.map(({ was, records }) => ({
      records,
      'bad until now': was,
      [isDone ? 'now' : 'then']: 'passes',
    })),
    ...otherReason.map(({ was, becomes, records }) => ({
      records,
      'bad until now': was,
      [isDone ? 'now' : 'then']: becomes,
    })),
    ...newlyBad.map(({ becomes, records }) => ({
      records,
      'bad until now': 'no',
      [isDone ? 'now' : 'then']: becomes,
    })),
  ]
  if (reasons.length > 0) lines.push(answerTable(reasons))
  const figures = isDone
    ? [
        `${sum(leave)} left, ${sum(newlyBad)} came, ${stay + sum(otherReason)} stayed`,
        `${rows.changed} changed, ${rows.gone} vanished, ${rows.added} are new`,
      ]
    : [
        `${sum(leave)} would leave, ${sum(newlyBad)} would come, ${stay + sum(otherReason)} would stay`,
        `${rows.changed} would change, ${rows.gone} would vanish, ${rows.added} would be new`,
      ]
  lines.push(
    `  quarantine  ${figures[0]}`,
    `  rows        ${rows.before} before, ${rows.after} after: ${figures[1]}`,
  )
  if (waiting > 0)
    lines.push(
      `  besides     ${count(waiting, 'record')} that ${waiting === 1 ? 'has' : 'have'} landed and ${waiting === 1 ? 'is' : 'are'} not in these tables yet`,
    )
  lines.push(
    ...badExamples('pass', examples.leave),
    ...badExamples('become bad', examples.newlyBad),
    ...rowExamples('change', examples.changed),
    ...rowExamples('vanish', examples.gone),
  )
  return lines
}

function badExamples(label: string, examples: readonly BadExample[]): string[] {
  if (examples.length === 0) return []
  const rows = examples.map(({ topic, partition, offset, was, becomes, beginning }) => ({
    place: `${topic}/${partition}/${offset}`,
    reason: was ?? becomes,
    value: beginningText(beginning, null),
  }))
  return ['', `  Some that ${label}:`, answerTable(rows)]
}

function rowExamples(label: string, examples: readonly RowExample[]): string[] {
  if (examples.length === 0) return []
  const lines = examples.flatMap(({ before, after }) =>
    after === null ? [`    ${JSON.stringify(before)}`] : [`    ${differences(before ?? {}, after)}`],
  )
  return ['', `  Some rows that ${label}:`, ...lines]
}

/** The columns that differ, and the first column, which is mostly the key. */
function differences(before: Record<string, unknown>, after: Record<string, unknown>): string {
  const [first] = Object.keys(before)
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const parts = names
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${name} ${shown(before[name])} → ${shown(after[name])}`)
  return `${first} ${shown(first === undefined ? null : before[first])}: ${parts.join(', ')}`
}

function shown(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value)
}

function sum(changes: readonly { records: number }[]): number {
  return changes.reduce((total, { records }) => total + records, 0)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
