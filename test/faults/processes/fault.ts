import type { Subject } from './subject.ts'

/** A number of a sequence that the seed decides, below a limit. */
export type Random = (limit: number) => number

/**
 * Hurts the platform while clients are at work, and leaves it running: where it died, started again.
 *
 * @returns what was done, as lines of the report
 * @throws Broken when the platform did not bear it as it should
 */
export type Fault = (subject: Subject, random: Random) => Promise<string[]>
