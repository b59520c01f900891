/** A start after a cut takes no longer. */
export const readyMsMax = 2_000

/** Where the machine is busy: so many times what a start without a cut takes on it. */
const times = 3

/** Whether a start after a cut was as fast as promised, on a machine on which starts without one take this long. */
export function isPrompt(readyMs: number, withoutCutMs: readonly number[]): boolean {
  return readyMs <= Math.max(readyMsMax, ...withoutCutMs.map((ms) => times * ms))
}
