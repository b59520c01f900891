/**
 * The random numbers of CPython's `random.Random`, bit for bit: the Mersenne Twister MT19937 seeded by an integer.
 * The emulator of the original drew its rows so; the same seed must send the same rows here.
 */

const size = 624
const middle = 397

export class PythonRandom {
  readonly #state = new Uint32Array(size)
  #next = size

  /** As `random.seed(seed)`. @param seed a safe integer; its sign does not count, as in CPython */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a safe integer, not ${seed}`)
    const low = Math.abs(seed) >>> 0
    const high = Math.floor(Math.abs(seed) / 2 ** 32)
    this.#seedByArray(high === 0 ? [low] : [low, high])
  }

  /** As `getrandbits(bits)`. @param bits 1 … 53 */
  getrandbits(bits: number): number {
    if (!Number.isInteger(bits) || bits < 1 || bits > 53)
      throw new RangeError(`bits must be 1 … 53, not ${bits}`)
    if (bits <= 32) return this.#word() >>> (32 - bits)
    const low = this.#word()
    return (this.#word() >>> (64 - bits)) * 2 ** 32 + low
  }

  /** As `randrange(start, stop)`: start ≤ n < stop, by drawing again what is too large. */
  randrange(start: number, stop: number): number {
    const width = stop - start
    if (!Number.isSafeInteger(width) || width < 1) throw new RangeError(`empty range ${start} … ${stop}`)
    const bits = bitLength(width)
    let drawn = this.getrandbits(bits)
    while (drawn >= width) drawn = this.getrandbits(bits)
    return start + drawn
  }

  /** As `randint(first, last)`: first ≤ n ≤ last. */
  randint(first: number, last: number): number {
    return this.randrange(first, last + 1)
  }

  /** `init_genrand` of the reference implementation. */
  #seedByNumber(seed: number): void {
    const state = this.#state
    state[0] = seed
    for (let i = 1; i < size; i++) state[i] = Math.imul(1812433253, mixed(state[i - 1]!)) + i
  }

  /** `init_by_array` of the reference implementation; CPython always seeds by it. */
  #seedByArray(key: readonly number[]): void {
    this.#seedByNumber(19650218)
    const state = this.#state
    let i = 1
    let j = 0
    for (let k = 0; k < size; k++) {
      state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1664525)) + key[j]! + j
      i = this.#step(i)
      j = (j + 1) % key.length
    }
    for (let k = 0; k < size - 1; k++) {
      state[i] = (state[i]! ^ Math.imul(mixed(state[i - 1]!), 1566083941)) - i
      i = this.#step(i)
    }
    state[0] = 0x80000000
  }

  /** The place after `i` in seeding; the first word follows the last. */
  #step(i: number): number {
    if (i + 1 < size) return i + 1
    this.#state[0] = this.#state[size - 1]!
    return 1
  }

  #twist(): void {
    const state = this.#state
    for (let i = 0; i < size; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff)
      state[i] = state[(i + middle) % size]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
    }
    this.#next = 0
  }

  #word(): number {
    if (this.#next === size) this.#twist()
    let y = this.#state[this.#next++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    y ^= y >>> 18
    return y >>> 0
  }
}

function mixed(word: number): number {
  return word ^ (word >>> 30)
}

function bitLength(n: number): number {
  return n < 2 ** 32 ? 32 - Math.clz32(n) : 64 - Math.clz32(Math.floor(n / 2 ** 32))
}

/** Last row the original ever drew; the rows above it are sent only in sequential order. */
const lastDrawn = 11_000

/**
 * The rows the original posted, for ever: a turn drew the seconds to sleep first, then the row. The sleep is drawn
 * here too, or the rows would be others, and not used.
 */
export function* draws(seed: number): Generator<number, never> {
  const random = new PythonRandom(seed)
  while (true) {
    random.randrange(0, 2)
    yield random.randint(0, lastDrawn)
  }
}
