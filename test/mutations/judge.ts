/** How a command ended. */
export interface Ended {
  /** Null: by a signal, for it took too long. */
  code: number | null
  /** All that it printed. */
  output: string
}

export type Verdict =
  | { kind: 'caught' }
  /** The guard cannot run on this machine. */
  | { kind: 'skipped'; why: string }
  | { kind: 'not caught'; why: string }

/** What a failure printed last, as far as it is worth reading. */
const tail = (output: string): string => output.slice(-2_000)

/** Whether a guard can tell anything at all: over sources with nothing taken out it passes. */
export function judgeControl({ code, output }: Ended): Verdict | undefined {
  if (code !== 0)
    return { kind: 'not caught', why: `its guard fails with nothing taken out:\n${tail(output)}` }
  const campaigns = /^Tests {2}0 passed, 0 failed, [1-9]\d* skipped \(campaigns\)$/m
  if (!campaigns.test(output)) return undefined
  return { kind: 'skipped', why: /^.*not run: (.*)$/m.exec(output)?.[1] ?? 'its guard was skipped' }
}

/**
 * Whether a guard has noticed what was taken out.
 *
 * @param shows what it says then, and for nothing else
 */
export function judge({ code, output }: Ended, shows: RegExp): Verdict {
  if (code === 0) return { kind: 'not caught', why: 'its guard passed' }
  if (code === null) return { kind: 'not caught', why: 'its guard did not end in time' }
  if (shows.test(output)) return { kind: 'caught' }
  return { kind: 'not caught', why: `its guard failed, but did not say ${shows}:\n${tail(output)}` }
}
