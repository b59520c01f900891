import { nearest } from '../core/index.ts'

/** Names that are near to one: those that begin alike first, then those that differ in few letters. */
export function nearTo(name: string, known: readonly string[], count: number): string[] {
  const bounded = name.slice(0, 200)
  const alike = known.filter((other) => other.startsWith(bounded) || bounded.startsWith(other))
  return [...new Set([...nearest(bounded, alike, count), ...nearest(bounded, known, count)])].slice(0, count)
}
