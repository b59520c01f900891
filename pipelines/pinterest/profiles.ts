import { rows } from './categories.ts'
import { countries, countryShares } from './countries.ts'
import { Dice, placeOf, purpose } from './shuffle.ts'
import { firstNames, lastNames } from './words.ts'

/** Who posts: a few post very often, most once or twice. */
export interface Profile {
  first_name: string
  last_name: string
  age: number
  /** Seconds since 1970. */
  joined: number
  country: string
  latitude: number
  longitude: number
}

const profileCount = 4_812
/** So many names belong to two profiles each. */
const sharedNames = 168
const firstJoined = Date.UTC(2015, 9, 21, 1, 8, 31) / 1000
const lastJoined = Date.UTC(2017, 9, 20, 21, 13, 50) / 1000

/** Profile number of the user of a post. */
export function ownerOf(row: number): number {
  return census().owners[placeOf(row, rows, purpose.owner)]!
}

/** @param number 0 … profileCount − 1, those with most posts first */
export function profile(number: number): Profile {
  const { ages, countryNumbers } = census()
  const place = new Dice(number, purpose.place)
  const joined = placeOf(number, profileCount, purpose.joined) / (profileCount - 1)
  return {
    ...nameOf(number),
    age: ages[number]!,
    joined: firstJoined + Math.round(joined * (lastJoined - firstJoined)),
    country: countries[countryNumbers[number]!]!,
    latitude: sixDigits(place.chance() * 180 - 90),
    longitude: sixDigits(place.chance() * 360 - 180),
  }
}

function nameOf(number: number): { first_name: string; last_name: string } {
  const distinct = profileCount - sharedNames
  const name = placeOf(number % distinct, firstNames.length * lastNames.length, purpose.name)
  return {
    first_name: firstNames[name % firstNames.length]!,
    last_name: lastNames[Math.floor(name / firstNames.length)]!,
  }
}

function sixDigits(degrees: number): number {
  return Number(degrees.toPrecision(6))
}

interface Census {
  /** Profile number by place of the post in the shuffle of posts. */
  owners: Uint16Array
  ages: Uint8Array
  countryNumbers: Uint8Array
}

let taken: Census | undefined

/** What depends on all profiles together; counted when first asked for. */
function census(): Census {
  if (taken === undefined) {
    const posts = postCounts()
    taken = { owners: owners(posts), ages: ages(posts), countryNumbers: countryNumbers(posts) }
  }
  return taken
}

/** Posts of each profile: at least one, falling from 244, `rows` together. */
function postCounts(): number[] {
  const posts = Array.from({ length: profileCount }, (_, n) =>
    Math.max(1, Math.floor(244 / (n + 1) ** 0.651)),
  )
  const missing = rows - posts.reduce((sum, count) => sum + count, 0)
  for (let n = 1; n <= missing; n++) posts[n]! += 1
  return posts
}

function owners(posts: readonly number[]): Uint16Array {
  const owners = new Uint16Array(rows)
  let place = 0
  for (const [number, count] of posts.entries()) {
    owners.fill(number, place, place + count)
    place += count
  }
  return owners
}

/** Ages whose groups have their shares of the posts, not of the profiles. */
function ages(posts: readonly number[]): Uint8Array {
  const ages = new Uint8Array(profileCount)
  const byPlace = posts.map((_, n) => n).sort((a, b) => agePlace(a) - agePlace(b))
  let before = 0
  for (const number of byPlace) {
    ages[number] = ageAt((before + posts[number]! / 2) / rows)
    before += posts[number]!
  }
  return ages
}

const agePlace = (number: number): number => placeOf(number, profileCount, purpose.age)

const ageGroups = [
  { until: 0.446, first: 20, last: 24 },
  { until: 0.713, first: 25, last: 35 },
  { until: 0.911, first: 36, last: 50 },
  { until: 1, first: 51, last: 60 },
]

/** @param share 0 ≤ share < 1 of the posts, in order of age */
function ageAt(share: number): number {
  let from = 0
  for (const { until, first, last } of ageGroups) {
    if (share < until) return first + Math.floor(((share - from) / (until - from)) * (last - first + 1))
    from = until
  }
  throw new RangeError(`share ${share} is not below 1`)
}

/** Each profile, largest first, goes to the country that lacks most posts of its share. */
function countryNumbers(posts: readonly number[]): Uint8Array {
  const lacking = countryShares().map((share) => share * rows)
  const numbers = new Uint8Array(profileCount)
  for (const [number, count] of posts.entries()) {
    let most = 0
    for (let n = 1; n < lacking.length; n++) if (lacking[n]! > lacking[most]!) most = n
    numbers[number] = most
    lacking[most]! -= count
  }
  return numbers
}
