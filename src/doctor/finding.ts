import { messageOf, PipelineError } from '../core/index.ts'

/** What one check says. */
export interface Verdict {
  /** `warn`: all works, and something asks to be looked at; `fail`: something does not work. */
  state: 'ok' | 'warn' | 'fail'
  /** What was seen, in words. */
  seen: string
  /** What to do; none where there is nothing to be done. */
  next?: string
  /** Of a failure: whose it is to mend. */
  fault?: 'user' | 'ours'
}

export interface Finding extends Verdict {
  check: string
}

/** One thing that is looked at. */
export interface Check<Subject> {
  name: string
  look(subject: Subject): Promise<Verdict> | Verdict
}

export const ok = (seen: string): Verdict => ({ state: 'ok', seen })
export const warn = (seen: string, next: string): Verdict => ({ state: 'warn', seen, next })
export const fail = (seen: string, next: string, fault: 'user' | 'ours' = 'user'): Verdict => ({
  state: 'fail',
  seen,
  next,
  fault,
})

/** A failure by what was thrown. */
export function failure(thrown: unknown): Verdict {
  if (!(thrown instanceof PipelineError)) return fail(messageOf(thrown), nextOfMistake, 'ours')
  return fail(`${thrown.code}: ${thrown.message}`, thrown.next, thrown.exitCode === 1 ? 'user' : 'ours')
}

const nextOfMistake = 'This is a mistake of pinflow. Please report it.'

/** Look at everything in turn; a check that cannot be made is a failure, and the others are made. */
export async function examine<Subject>(
  checks: readonly Check<Subject>[],
  subject: Subject,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { name, look } of checks) {
    try {
      findings.push({ check: name, ...(await look(subject)) })
    } catch (error) {
      findings.push({ check: name, ...failure(error) })
    }
  }
  return findings
}

/** 0 when nothing failed, 1 when a failure is the user's to mend, else 2. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 2 {
  const failed = findings.filter(({ state }) => state === 'fail')
  if (failed.length === 0) return 0
  return failed.some(({ fault }) => fault === 'user') ? 1 : 2
}
