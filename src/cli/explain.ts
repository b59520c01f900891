import { reasons } from '../clean/index.ts'
import { errorCodes, nearest, PipelineError } from '../core/index.ts'

/** What a code means: of an error, or the reason for which a record is in quarantine. */
export interface Explanation {
  code: string
  kind: 'error' | 'reason'
  /** The part of pinflow that says it. */
  stage: string
  means: string
  /** Whose it is to mend. */
  whose: string
  /** Whether trying the same again helps. */
  retry: string
  next: string
}

/** Everything that can be explained: errors, then reasons. */
export function explanations(): Explanation[] {
  const errors = Object.entries(errorCodes).map(([code, { stage, retriable, fault, means, next }]) => ({
    code,
    kind: 'error' as const,
    stage,
    means,
    whose:
      fault === 'user'
        ? 'Yours to mend: a command ends with exit code 1.'
        : 'Ours, or the machine’s: a command ends with exit code 2.',
    retry: retriable
      ? 'The same may succeed later; the platform tries again by itself.'
      : 'The same again fails again.',
    next,
  }))
  const bad = Object.entries(reasons).map(([code, text]) => {
    // What it is, and then what to do.
    const end = text.indexOf('. ') + 1
    return {
      code,
      kind: 'reason' as const,
      stage: 'clean',
      means: text.slice(0, end),
      whose: 'The sender’s to mend; or the dataset’s, where its columns or its cleaning text are too strict.',
      retry:
        'The same record again is quarantined again. After a change of the dataset, `pinflow tables rebuild <dataset>` judges every record anew.',
      next: text.slice(end).trim(),
    }
  })
  return [...errors, ...bad]
}

/**
 * @param code in any case; a reason may have its column's name after it
 * @throws USAGE with the nearest codes
 */
export function explain(code: string): Explanation {
  const [wanted = ''] = code.trim().toUpperCase().replaceAll('-', '_').split(/\s/)
  const all = explanations()
  const found = all.find((known) => known.code === wanted)
  if (found) return found
  const names = nearest(
    wanted,
    all.map((known) => known.code),
    3,
  )
  throw new PipelineError(
    'USAGE',
    `there is no code ${code}; the nearest are ${names.join(', ')} (\`pinflow explain\` lists all)`,
  )
}

/** @returns lines for a person */
export function explanationText({ code, kind, stage, means, whose, retry, next }: Explanation): string {
  const what = kind === 'error' ? 'an error' : 'a reason for quarantine'
  return [`${code}, ${what} (${stage})`, means, `Whose  ${whose}`, `Again  ${retry}`, `Next   ${next}`].join(
    '\n',
  )
}
