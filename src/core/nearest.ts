/** Of names that are known, those nearest to one that is not, nearest first. @param count as many at most */
export function nearest(name: string, known: readonly string[], count: number): string[] {
  return known
    .map((other) => ({ other, away: distance(name, other) }))
    .toSorted((a, b) => a.away - b.away)
    .slice(0, count)
    .map(({ other }) => other)
}

/** Levenshtein's distance: letters to add, drop or change. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      )
    }
    row = next
  }
  return row[b.length] ?? 0
}
