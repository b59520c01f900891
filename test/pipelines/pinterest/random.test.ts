import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { draws, PythonRandom } from '../../../pipelines/pinterest/random.ts'

const sha256 = (numbers: readonly number[]) => createHash('sha256').update(numbers.join(',')).digest('hex')

describe('the numbers of CPython', () => {
  // random.seed(s); [getrandbits(k) for k in (32, 32, 32, 1, 7, 31, 33, 53)]; randrange(3, 10); randint(-5, 5); randrange(2**40)
  test.each([
    [
      0,
      [3626764237, 1654615998, 3255389356, 1, 53, 86939546, 5407006266, 4376848748439138],
      6,
      -1,
      1052128689543,
    ],
    [
      1,
      [577090037, 2444712010, 3639700191, 1, 97, 135520872, 1095513148, 6854138572100987],
      6,
      2,
      836022225947,
    ],
    [
      -5,
      [2675342405, 1097127993, 3185950873, 0, 101, 1482723311, 8342760426, 5872980113096233],
      7,
      -5,
      1025811484159,
    ],
    [
      2 ** 31,
      [1455117090, 1620553392, 2169224728, 1, 113, 1918222245, 4994694181, 1037372523204367],
      8,
      -4,
      329992659856,
    ],
    [
      2 ** 32,
      [485306839, 1508871100, 1794561286, 1, 2, 49009542, 6922290953, 6866487935427072],
      5,
      3,
      996409757029,
    ],
    [
      2 ** 32 + 5,
      [675479763, 2085189291, 1213270837, 1, 77, 1793847346, 62377729, 1543107136316917],
      9,
      5,
      1090809881224,
    ],
    [
      2 ** 53 - 1,
      [404802386, 2407860725, 957238923, 1, 24, 1966217799, 633289196, 193918189570596],
      6,
      2,
      588560466557,
    ],
  ])('after seed %i are its own, of every width', (seed, words, range, int, wide) => {
    const random = new PythonRandom(seed)
    expect([32, 32, 32, 1, 7, 31, 33, 53].map((bits) => random.getrandbits(bits))).toEqual(words)
    expect(random.randrange(3, 10)).toBe(range)
    expect(random.randint(-5, 5)).toBe(int)
    expect(random.randrange(0, 2 ** 40)).toBe(wide)
  })

  test('stay its own beyond several turns of the generator', () => {
    const random = new PythonRandom(100)
    const words = Array.from({ length: 2000 }, () => random.getrandbits(32))
    expect(sha256(words)).toBe('1187e18aca5c330463b3007c952036a710d9f3b5ea1873bd7ef375a7729a7211')
  })

  test('are refused where CPython has none, or a number cannot hold them', () => {
    const random = new PythonRandom(1)
    expect(() => random.getrandbits(0)).toThrow(RangeError)
    expect(() => random.getrandbits(54)).toThrow(RangeError)
    expect(() => random.randrange(3, 3)).toThrow(RangeError)
    expect(() => new PythonRandom(1.5)).toThrow(RangeError)
  })
})

describe('the rows drawn', () => {
  test('with seed 100 are those of the original', () => {
    expect(draws(100).take(12).toArray()).toEqual([
      7528, 2863, 5730, 8304, 8731, 1313, 4315, 10794, 5494, 5069, 2923, 3089,
    ])
  })

  // python3: random.seed(100); 1,000 times: randrange(0, 2), then randint(0, 11000)
  test('are those of CPython for a thousand turns', () => {
    const rows = draws(100).take(1000).toArray()
    expect(sha256(rows)).toBe('ec6fb4208eb76b1c1e598a57abf9d2819da4996799ba385020f0fc10eb434ac8')
  })

  test('are 0 … 11000, the same for the same seed, others for another', () => {
    const rows = draws(7).take(50_000).toArray()
    expect(Math.min(...rows)).toBe(0)
    expect(Math.max(...rows)).toBe(11_000)
    expect(draws(7).take(100).toArray()).toEqual(rows.slice(0, 100))
    expect(draws(8).take(100).toArray()).not.toEqual(rows.slice(0, 100))
  })
})
