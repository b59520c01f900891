/**
 * Chance that can be asked at any place: every made-up value follows from its row (or profile, or poster) and from
 * what it is for, never from the values made before it.
 */

/** What a choice is for; the numbers keep choices independent of each other, and must not change. */
export const purpose = {
  media: 1,
  description: 2,
  title: 3,
  tags: 4,
  followers: 5,
  downloaded: 6,
  pin: 7,
  poster: 8,
  owner: 9,
  name: 10,
  age: 11,
  joined: 12,
  place: 13,
  posted: 14,
  country: 15,
  postedForm: 16,
  joinedForm: 17,
  pinFault: 18,
  geoFault: 19,
  userFault: 20,
} as const

export type Purpose = (typeof purpose)[keyof typeof purpose]

/** The finaliser of MurmurHash3: 32 bits to 32 bits, no two alike. */
export function mix(n: number): number {
  let h = n | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * Place of `n` in a fixed shuffle of 0 … size − 1, so that "place < k" is true of exactly k of them.
 * A Feistel network over the next even number of bits, walked until it lands inside.
 *
 * @param size 2 … 2^30
 */
export function placeOf(n: number, size: number, what: Purpose): number {
  const half = Math.ceil((32 - Math.clz32(size - 1)) / 2)
  const mask = 2 ** half - 1
  let place = n
  do {
    let left = place >>> half
    let right = place & mask
    for (let round = 0; round < 4; round++) {
      const next = left ^ (mix(right + mix(what * 4 + round)) & mask)
      left = right
      right = next
    }
    place = left * 2 ** half + right
  } while (place >= size)
  return place
}

/** A stream of chances of its own for one thing and one purpose (mulberry32). */
export class Dice {
  #state: number

  constructor(n: number, what: Purpose) {
    this.#state = mix(n + mix(what))
  }

  /** 0 … 2^32 − 1 */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** 0 ≤ n < 1 */
  chance(): number {
    return this.word() / 2 ** 32
  }

  /** A whole number, first … last. */
  between(first: number, last: number): number {
    return first + Math.floor(this.chance() * (last - first + 1))
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.chance() * list.length)]!
  }

  /** Hexadecimal digits, at most 8. */
  hex(digits: number): string {
    return this.word().toString(16).padStart(8, '0').slice(0, digits)
  }
}
