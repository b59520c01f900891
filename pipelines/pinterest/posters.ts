import { rows } from './categories.ts'
import { Dice, placeOf, purpose } from './shuffle.ts'
import { posterName } from './words.ts'

/** What stands in both columns when the poster could not be read. */
const unreadable = 'User Info Error'

/** Kinds of poster by the size of their following; `until` bounds their share of the pins. */
const kinds = [
  { until: 925, first: 0, posters: 180, count: millions },
  { until: 2_821, first: 180, posters: 900, count: plain },
  { until: rows, first: 1_080, posters: 3_000, count: thousands },
]

/**
 * Who posted a pin, and the followers shown beside it: a poster has several pins, and between them the count
 * moves by a fortieth at most.
 */
export function posterOf(row: number): { poster_name: string; follower_count: string } {
  const place = placeOf(row, rows, purpose.followers)
  if (place < 100) return { poster_name: unreadable, follower_count: unreadable }
  const kind = kinds.find(({ until }) => place < until)!
  const pin = new Dice(row, purpose.poster)
  const number = kind.first + Math.floor(kind.posters * pin.chance() ** 1.5)
  const poster = new Dice(-1 - number, purpose.poster)
  const following = poster.chance()
  return {
    poster_name: posterName(poster),
    follower_count: kind.count(following, 1 + (pin.chance() - 0.5) / 20),
  }
}

function millions(following: number, drift: number): string {
  return `${limited(15 ** following * drift, 1, 15)}M`
}

function thousands(following: number, drift: number): string {
  return `${limited(985 ** following * drift, 1, 985)}k`
}

function plain(following: number, drift: number): string {
  return String(limited(941 * following * drift - 0.5, 0, 940))
}

function limited(n: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(n)))
}
