/**
 * Looks at everything that can be in the way, and says what to do: one small check each, in two lists. The surroundings
 * are looked at by the command itself, whatever state the data is in, and without what only a platform needs, for that
 * may be what cannot be loaded. The rest is asked of an open platform, the one that runs or one that the command opens.
 */
import type { Platform } from '../platform/index.ts'
import { examine, type Finding } from './finding.ts'
import { type Surroundings, surroundingChecks } from './surroundings.ts'

export { exitCodeOf, type Finding, failure } from './finding.ts'

/** Look at machine, configuration and folder. */
export function examineSurroundings(surroundings: Surroundings): Promise<Finding[]> {
  return examine(surroundingChecks, surroundings)
}

/** Look at an open platform. @param options.deep read every file of the tables, not the newest alone */
export async function examinePlatform(
  platform: Platform,
  options: { deep: boolean; nowMs: number },
): Promise<Finding[]> {
  const { lookInside } = await import('./inside.ts')
  const { insideChecks } = await import('./inside-checks.ts')
  return examine(insideChecks, await lookInside(platform, options))
}
