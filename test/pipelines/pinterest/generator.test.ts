import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { countries } from '../../../pipelines/pinterest/countries.ts'
import { source } from '../../../pipelines/pinterest/generator.ts'
import pipeline from '../../../pipelines/pinterest/pipeline.ts'
import { draws } from '../../../pipelines/pinterest/random.ts'
import type { Row } from '../../../src/engine/index.ts'
import { clean, openSession } from './tables.ts'

const texts = Array.from({ length: source.rows }, (_, row) => source.row(row))

/** The records of a dataset that are its own, by declared names; a missing key is read as its other name. */
function own(dataset: string, column: string): Row[] {
  return texts
    .map((row) => JSON.parse(row[dataset]!) as Row)
    .filter((record) => column in record)
    .map(({ index, ...rest }) => (dataset === 'pin' && index !== undefined ? { ind: index, ...rest } : rest))
}

const pins = own('pin', 'title')
const places = own('geo', 'country')
const users = own('user', 'age')

const text = (record: Row, column: string) => String(record[column])
const percent = (records: readonly Row[], test: (record: Row) => boolean) =>
  (100 * records.filter(test).length) / records.length
const near = (actual: number, expected: number, within = 0.15) =>
  expect(Math.abs(actual - expected), `${actual} for ${expected}`).toBeLessThanOrEqual(within)

/** Milliseconds since 1970; a date without an offset is UTC. */
function instant(date: unknown): number {
  const dashed = String(date).replace(/^(\d{4})[:-](\d\d)[:-](\d\d)[ T]/, '$1-$2-$3T')
  return Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(dashed) ? dashed : `${dashed}Z`)
}

describe('the rows', () => {
  test('are 11,154, and no others', () => {
    expect(source.rows).toBe(11_154)
    for (const row of [-1, 11_154, 1.5, Number.NaN]) expect(() => source.row(row)).toThrow(RangeError)
  })

  test('are the same bytes whenever and in whatever order they are asked for', () => {
    for (const row of draws(1).take(500)) expect(source.row(row)).toEqual(texts[row])
  })

  // A change here changes what a replay sends: identical copies would then differ from those already stored.
  test('are these bytes', () => {
    const hash = createHash('sha256')
    for (const row of texts) for (const dataset of ['pin', 'geo', 'user']) hash.update(`${row[dataset]}\n`)
    expect(hash.digest('hex')).toBe('33a3089922c61d3bdce3e2aeee4e1753e5a06dc9faa86ecb79aabe437b2bcf47')
  })

  test('are valid Unicode in one line of JSON', () => {
    for (const row of texts) {
      for (const record of Object.values(row))
        expect(record.isWellFormed() && !/[\r\n]/.test(record)).toBe(true)
    }
  })

  test('have the columns of the tables in stored order, and line up', () => {
    expect(Object.keys(JSON.parse(texts[0]!.pin!) as Row)).toEqual([
      'index',
      'unique_id',
      'title',
      'description',
      'poster_name',
      'follower_count',
      'tag_list',
      'is_image_or_video',
      'image_src',
      'downloaded',
      'save_location',
      'category',
    ])
    expect(Object.keys(places[0]!)).toEqual(['ind', 'timestamp', 'latitude', 'longitude', 'country'])
    expect(Object.keys(users[0]!)).toEqual(['ind', 'first_name', 'last_name', 'age', 'date_joined'])
    const [seventh] = [source.row(7528)]
    expect(JSON.parse(seventh!.pin!)).toMatchObject({ index: 7528 })
    expect(JSON.parse(seventh!.geo!)).toMatchObject({ ind: 7528 })
    expect(JSON.parse(seventh!.user!)).toMatchObject({ ind: 7528 })
  })
})

describe('pins', () => {
  test('never share a unique_id, which is a UUID v4', () => {
    expect(new Set(pins.map((pin) => pin.unique_id)).size).toBe(pins.length)
    for (const pin of pins) {
      expect(pin.unique_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  test('stand in contiguous blocks of 13 categories', () => {
    const firsts = new Map<unknown, number>()
    for (const pin of pins) if (!firsts.has(pin.category)) firsts.set(pin.category, Number(pin.ind))
    expect(firsts.size).toBe(13)
    const ordered = [...pins].sort((a, b) => Number(a.ind) - Number(b.ind)).map((pin) => pin.category)
    expect(ordered.filter((category, n) => category !== ordered[n - 1])).toHaveLength(13)
    for (const pin of pins) expect(pin.save_location).toBe(`Local save in /data/${pin.category}`)
  })

  test('have their shares of media, and image errors exactly when not downloaded', () => {
    near(
      percent(pins, (pin) => pin.is_image_or_video === 'image'),
      90.3,
    )
    near(
      percent(pins, (pin) => pin.is_image_or_video === 'multi-video(story page format)'),
      6.8,
    )
    near(
      percent(pins, (pin) => pin.is_image_or_video === 'video'),
      2.9,
    )
    near(
      percent(pins, (pin) => pin.image_src === 'Image src error.'),
      2.2,
    )
    for (const pin of pins) expect(pin.image_src === 'Image src error.').toBe(Number(pin.downloaded) === 0)
  })

  test('have their shares of descriptions, the story placeholder exactly with stories', () => {
    near(
      percent(pins, (pin) => pin.description === 'No description available'),
      1.6,
    )
    near(
      percent(pins, (pin) => pin.description === 'Untitled'),
      0.06,
      0.03,
    )
    near(
      percent(pins, (pin) => text(pin, 'description').endsWith('…\u00a0')),
      37,
      0.5,
    )
    for (const pin of pins) {
      expect(text(pin, 'description').length).toBeLessThan(190)
      expect(pin.description === 'No description available Story format').toBe(
        pin.is_image_or_video === 'multi-video(story page format)',
      )
    }
  })

  test('have titles up to 199 characters, one in ten with more than ASCII, emoji among them', () => {
    const lengths = pins.map((pin) => text(pin, 'title').length)
    expect(Math.max(...lengths)).toBe(199)
    expect(Math.min(...lengths)).toBeGreaterThan(5)
    near(
      percent(pins, (pin) => pin.title === 'No Title Data Available'),
      0.9,
    )
    near(
      percent(pins, (pin) => [...text(pin, 'title')].some((letter) => letter > '\x7f')),
      10,
    )
    expect(percent(pins, (pin) => /\p{Extended_Pictographic}/u.test(text(pin, 'title')))).toBeGreaterThan(3)
  })

  test('have nine tags in 98 % and the placeholder in 1.5 %', () => {
    near(
      percent(pins, (pin) => text(pin, 'tag_list').split(',').length === 9),
      98,
    )
    near(
      percent(pins, (pin) => pin.tag_list === 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e'),
      1.5,
    )
  })

  test('have their forms of follower count, unreadable together with the name', () => {
    near(
      percent(pins, (pin) =>
        /^([1-9]|[1-9]\d|[1-8]\d\d|9[0-7]\d|98[0-5])k$/.test(text(pin, 'follower_count')),
      ),
      75,
      0.5,
    )
    near(
      percent(pins, (pin) => /^(\d|[1-9]\d|[1-8]\d\d|9[0-3]\d|940)$/.test(text(pin, 'follower_count'))),
      17,
    )
    near(
      percent(pins, (pin) => /^([1-9]|1[0-5])M$/.test(text(pin, 'follower_count'))),
      7.4,
    )
    near(
      percent(pins, (pin) => pin.follower_count === 'User Info Error'),
      0.9,
    )
    for (const pin of pins)
      expect(pin.follower_count === 'User Info Error').toBe(pin.poster_name === 'User Info Error')
  })

  test('share posters, whose counts differ a little', () => {
    const counts = Map.groupBy(pins, (pin) => pin.poster_name)
    expect(counts.size).toBeLessThan(pins.length / 2)
    const several = [...counts.values()].filter((own) => own.length > 1)
    expect(several.some((own) => new Set(own.map((pin) => pin.follower_count)).size > 1)).toBe(true)
  })
})

describe('users', () => {
  const profiles = Map.groupBy(users, (user) =>
    [user.first_name, user.last_name, Number(user.age), instant(user.date_joined)].join('|'),
  )

  // What faults hide is 0.4 % of the posts, and with them a few profiles of one post.
  test('are 4,812 profiles, the busiest with 244 posts, 168 names with two profiles', () => {
    expect(profiles.size).toBeGreaterThan(4_770)
    expect(profiles.size).toBeLessThanOrEqual(4_812)
    const most = Math.max(...[...profiles.values()].map((posts) => posts.length))
    expect(most).toBeGreaterThan(239)
    expect(most).toBeLessThanOrEqual(244)
    const names = Map.groupBy(profiles.keys(), (profile) => profile.split('|', 2).join(' '))
    const shared = [...names.values()].filter((own) => own.length > 1).length
    expect(shared).toBeGreaterThan(145)
    expect(shared).toBeLessThanOrEqual(168)
  })

  test('are 20 to 60, in their groups', () => {
    const share = (first: number, last: number) =>
      percent(users, (user) => Number(user.age) >= first && Number(user.age) <= last)
    near(share(20, 24), 45, 0.6)
    near(share(25, 35), 27, 0.6)
    near(share(36, 50), 20, 0.6)
    near(share(51, 60), 9, 0.6)
    near(share(20, 60), 100, 0)
  })

  test('joined in three years, each profile from one place, and never after a post of theirs', () => {
    const placeByRow = new Map(places.map((place) => [Number(place.ind), place]))
    for (const posts of profiles.values()) {
      const own = posts.map((post) => placeByRow.get(Number(post.ind))).filter((place) => place !== undefined)
      expect(
        new Set(own.map((place) => `${place.country} ${place.latitude} ${place.longitude}`)).size,
      ).toBeLessThan(2)
      for (const place of own)
        expect(instant(place.timestamp)).toBeGreaterThanOrEqual(instant(posts[0]!.date_joined))
    }
    const joined = users.map((user) => instant(user.date_joined))
    expect(new Date(Math.min(...joined)).toISOString()).toMatch(/^2015-10-21/)
    expect(new Date(Math.max(...joined)).toISOString()).toMatch(/^2017-10-20/)
  })
})

describe('places', () => {
  test('are in 243 countries, the named ones with their shares', () => {
    expect(new Set(countries).size).toBe(243)
    expect(new Set(places.map((place) => place.country))).toEqual(new Set(countries))
    const share = (country: string) => percent(places, (place) => place.country === country)
    near(share('Albania'), 5)
    near(share('Algeria'), 4.5)
    near(share('Afghanistan'), 4)
    near(share('Aruba'), 3)
    for (const sign of ['(', '&', "'"]) expect(countries.some((country) => country.includes(sign))).toBe(true)
  })

  test('have coordinates of six significant digits within the world', () => {
    for (const place of places) {
      expect(Math.abs(Number(place.latitude))).toBeLessThanOrEqual(90)
      expect(Math.abs(Number(place.longitude))).toBeLessThanOrEqual(180)
      expect(text(place, 'latitude').replace(/\D/g, '').replace(/^0+/, '').length).toBeLessThan(7)
    }
  })

  test('are spread evenly over five years', () => {
    const posted = places.map((place) => instant(place.timestamp)).sort((a, b) => a - b)
    expect(new Date(posted[0]!).toISOString()).toBe('2017-10-19T15:13:42.000Z')
    expect(new Date(posted.at(-1)!).toISOString()).toBe('2022-10-19T17:54:26.000Z')
    const middle = (posted[0]! + posted.at(-1)!) / 2
    near(
      percent(places, (place) => instant(place.timestamp) < middle),
      50,
      0.5,
    )
  })
})

describe('dirt of every deployment', () => {
  const forms = (records: readonly Row[], column: string) =>
    new Set(records.map((record) => text(record, column).replace(/\d/g, '9')))

  test('is in place: one record for each dataset of each row, 0.4 % of them lost', () => {
    for (const row of texts) expect(Object.keys(row)).toEqual(['pin', 'geo', 'user'])
    for (const own of [pins, places, users]) expect(source.rows - own.length).toBe(44)
  })

  test('writes dates in eight forms', () => {
    for (const found of [forms(places, 'timestamp'), forms(users, 'date_joined')]) {
      expect(found).toEqual(
        new Set([
          '9999-99-99 99:99:99',
          '9999-99-99T99:99:99',
          '9999-99-99T99:99:99Z',
          '9999-99-99T99:99:99.999999',
          '9999-99-99 99:99:99.999Z',
          '9999-99-99T99:99:99+99:99',
          '9999-99-99 99:99:99.9-99:99',
          '9999:99:99 99:99:99',
        ]),
      )
    }
  })

  test('writes numbers and keys as text, and a pin key under its other name', () => {
    const textual = (records: readonly Row[], column: string) =>
      records.filter((record) => typeof record[column] === 'string').length
    expect(textual(pins, 'ind')).toBe(22)
    expect(textual(places, 'ind')).toBe(22)
    expect(textual(users, 'ind')).toBe(22)
    expect(textual(places, 'latitude')).toBe(22)
    expect(textual(places, 'longitude')).toBe(22)
    expect(textual(users, 'age')).toBe(22)
    expect(
      texts.filter((row) => row.pin!.startsWith('{"ind":') && row.pin!.includes('"unique_id"')),
    ).toHaveLength(22)
  })

  test('puts records of other tables, test messages and wrong nestings where a record should be', () => {
    const starts = (dataset: string, start: string) =>
      texts.filter((row) => row[dataset]!.startsWith(start)).length
    for (const dataset of ['pin', 'geo', 'user']) {
      expect(starts(dataset, '{"message":"test"}')).toBe(11)
      expect(starts(dataset, '{"index":{')).toBe(11)
      expect(starts(dataset, '{"records":[{"value":{')).toBe(11)
    }
    const holds = (dataset: string, column: string) =>
      texts.filter((row) => column in JSON.parse(row[dataset]!)).length
    expect(holds('pin', 'country')).toBe(11)
    expect(holds('geo', 'age')).toBe(11)
    expect(holds('user', 'title')).toBe(11)
  })
})

test('no made-up record of a dataset is bad, and every rule of cleaning finds work', async () => {
  const tenth = (records: Row[]) => records.filter((_, n) => n % 10 === 0)
  const { session, close } = await openSession()
  try {
    const at = (column: string) => (record: Row) => ({
      ...record,
      [column]: new Date(instant(record[column])).toISOString(),
    })
    const cleanPins = await clean(session, 'pin', tenth(pins))
    const cleanPlaces = await clean(session, 'geo', tenth(places).map(at('timestamp')))
    const cleanUsers = await clean(session, 'user', tenth(users).map(at('date_joined')))
    for (const row of [...cleanPins, ...cleanPlaces, ...cleanUsers]) expect(row.bad_reason).toBe(null)
    const nulls = (rows: Row[], column: string) => rows.filter((row) => row[column] === null).length
    for (const column of ['title', 'description', 'follower_count', 'poster_name', 'tag_list', 'image_src']) {
      expect(nulls(cleanPins, column)).toBeGreaterThan(0)
    }
    for (const column of ['unique_id', 'is_image_or_video', 'save_location', 'category']) {
      expect(nulls(cleanPins, column)).toBe(0)
    }
    for (const column of Object.keys(cleanPlaces[0]!)) {
      expect(nulls(cleanPlaces, column)).toBe(column === 'bad_reason' ? cleanPlaces.length : 0)
    }
    for (const column of Object.keys(cleanUsers[0]!)) {
      expect(nulls(cleanUsers, column)).toBe(column === 'bad_reason' ? cleanUsers.length : 0)
    }
  } finally {
    close()
  }
})

test('the pipeline draws them with seed 100', async () => {
  expect(await pipeline.source?.()).toBe(source)
  expect([source.draws, source.seed]).toEqual([draws, 100])
})
