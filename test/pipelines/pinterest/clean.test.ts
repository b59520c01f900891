import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row, Session } from '../../../src/engine/index.ts'
import { clean, openSession, putRaw, sqlText } from './tables.ts'

let session: Session
let close: () => void

beforeAll(async () => {
  const opened = await openSession()
  session = opened.session
  close = opened.close
})
afterAll(() => close())

async function one(dataset: string, row: Row): Promise<Row> {
  const rows = await clean(session, dataset, [row])
  expect(rows).toHaveLength(1)
  return rows[0]!
}

async function columns(dataset: string): Promise<string> {
  await putRaw(session, dataset, [{ ind: 1 }])
  const result = await session.query(sqlText(`clean/${dataset}.sql`))
  return result.columns.map(({ name, type }) => `${name} ${type}`).join(', ')
}

describe('the clean tables', () => {
  test('have their columns and types, in order', async () => {
    expect(await columns('pin')).toBe(
      '_record BIGINT, ind INTEGER, unique_id VARCHAR, title VARCHAR, description VARCHAR, follower_count INTEGER, poster_name VARCHAR, tag_list VARCHAR, is_image_or_video VARCHAR, image_src VARCHAR, save_location VARCHAR, category VARCHAR, bad_reason VARCHAR',
    )
    expect(await columns('geo')).toBe(
      '_record BIGINT, ind INTEGER, country VARCHAR, coordinates DOUBLE[], timestamp TIMESTAMP WITH TIME ZONE, bad_reason VARCHAR',
    )
    expect(await columns('user')).toBe(
      '_record BIGINT, ind INTEGER, user_name VARCHAR, age INTEGER, date_joined TIMESTAMP WITH TIME ZONE, bad_reason VARCHAR',
    )
  })

  test('take a row of nothing but its key as good, all else null', async () => {
    for (const dataset of ['pin', 'geo', 'user']) {
      const { _record, ind, ...rest } = await one(dataset, { ind: 7 })
      expect([_record, ind]).toEqual([0, 7])
      expect(Object.values(rest).every((value) => value === null)).toBe(true)
    }
  })
})

const big = 2_147_483_647

describe('a follower count', () => {
  const good: [string, number][] = [
    ['0', 0],
    ['000', 0],
    ['940', 940],
    ['12k', 12_000],
    ['12K', 12_000],
    ['3M', 3_000_000],
    ['3m', 3_000_000],
    ['0k', 0],
    ['1.2k', 1_200],
    ['1.20k', 1_200],
    ['1.234k', 1_234],
    ['0.001k', 1],
    ['1.0000000000k', 1_000],
    ['1.5m', 1_500_000],
    ['0.000001M', 1],
    [`1.${'0'.repeat(5_000)}M`, 1_000_000],
    ['00012k', 12_000],
    [`${'0'.repeat(5_000)}7`, 7],
    ['0000000000000.5k', 500],
    [String(big), big],
    ['2147483.647k', big],
    ['2147.483647M', big],
  ]
  test.each(good)('%j is %i', async (text, count) => {
    expect(await one('pin', { ind: 1, follower_count: text })).toMatchObject({
      follower_count: count,
      bad_reason: null,
    })
  })

  const bad = [
    '-5',
    '-0',
    '+5',
    '2147483648',
    '2147483.648k',
    '2147.483648M',
    '99999999999999999999',
    '9'.repeat(5_000),
    `${'9'.repeat(5_000)}M`,
    '1.2345k',
    '0.0000001M',
    '1.5',
    '1.0',
    'k',
    'M',
    '1.k',
    '.5k',
    '1.2.3k',
    '12kk',
    '12kM',
    '12b',
    '12 k',
    ' 12k',
    '12k ',
    '12k\n',
    '\n12k',
    '12\n',
    '12\u00a0k',
    '1_000',
    '1,000',
    '1e3',
    '1e3k',
    '0x1F',
    '１２',
    '１２k',
    '१२',
    '12k\0',
    '\u00a0',
    'Infinity',
    'NaN',
    'null',
    'user info error',
    'User Info Error ',
    "'; DROP TABLE raw_pin; --",
  ]
  test.each(bad)('%j is bad', async (text) => {
    expect(await one('pin', { ind: 1, follower_count: text })).toMatchObject({
      follower_count: null,
      bad_reason: 'follower_count',
    })
  })

  test.each([null, '', ' ', ' \t\n\v\f\r', 'User Info Error'])('%j is none, and good', async (text) => {
    expect(await one('pin', { ind: 1, follower_count: text })).toMatchObject({
      follower_count: null,
      bad_reason: null,
    })
  })

  test('that is bad leaves the rows beside it alone', async () => {
    const rows = await clean(session, 'pin', [
      { ind: 1, follower_count: '1k' },
      { ind: 2, follower_count: 'x' },
      { ind: 3, follower_count: '2M' },
    ])
    expect(
      rows.map(({ _record, ind, follower_count, bad_reason }) => [_record, ind, follower_count, bad_reason]),
    ).toEqual([
      [0, 1, 1_000, null],
      [1, 2, null, 'follower_count'],
      [2, 3, 2_000_000, null],
    ])
  })
})

const pinTexts = [
  'unique_id',
  'title',
  'description',
  'poster_name',
  'tag_list',
  'is_image_or_video',
  'image_src',
  'save_location',
  'category',
]
const placeholders: [column: string, text: string][] = [
  ['title', 'No Title Data Available'],
  ['description', 'No description available Story format'],
  ['description', 'No description available'],
  ['description', 'Untitled'],
  ['poster_name', 'User Info Error'],
  ['tag_list', 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e'],
  ['image_src', 'Image src error.'],
]

describe('text of a pin', () => {
  test.each(pinTexts)('in %s: blank is null, and only ASCII white space is blank', async (column) => {
    const blank = ['', ' ', '\t', '\n', '\v', '\f', '\r', '  \t\n\v\f\r ']
    const kept = ['\u00a0', '\u2003', '\u200b', '\u0085', '\0', '.', '😀', '"', "'", '\\t']
    const rows = await clean(
      session,
      'pin',
      [...blank, ...kept].map((text, ind) => ({ ind, [column]: text })),
    )
    expect(rows.map((row) => row[column])).toEqual([...blank.map(() => null), ...kept])
    expect(rows.every((row) => row.bad_reason === null)).toBe(true)
  })

  test.each(placeholders)('in %s: %j is null', async (column, text) => {
    expect((await one('pin', { ind: 1, [column]: text }))[column]).toBe(null)
  })

  test('is a placeholder only as a whole, and only in its own column', async () => {
    const columns = pinTexts.filter((column) => column !== 'save_location')
    for (const [column, text] of placeholders) {
      const near = [
        `${text} `,
        ` ${text}`,
        `${text}\n`,
        text.toLowerCase(),
        `say ${text} aloud`,
        text.slice(0, -1),
      ]
      const rows = await clean(
        session,
        'pin',
        near.map((value, ind) => ({ ind, [column]: value })),
      )
      expect(rows.map((row) => row[column])).toEqual(near)
      const others = columns.filter((other) => !placeholders.some(([c, t]) => c === other && t === text))
      const row = await one('pin', { ind: 1, ...Object.fromEntries(others.map((other) => [other, text])) })
      for (const other of others) expect(row[other]).toBe(text)
    }
  })

  test('is not altered otherwise', async () => {
    const text = '  Café – “quoted”…\u00a0 👩🏽‍🎨 \\d it\'s "x"\ttab\nline '
    const columns = pinTexts.filter((column) => column !== 'save_location')
    const row = await one('pin', { ind: 1, ...Object.fromEntries(columns.map((column) => [column, text])) })
    for (const column of columns) expect(row[column]).toBe(text)
  })

  test('User Info Error makes both of its columns null', async () => {
    expect(
      await one('pin', { ind: 1, poster_name: 'User Info Error', follower_count: 'User Info Error' }),
    ).toMatchObject({ poster_name: null, follower_count: null, bad_reason: null })
  })
})

test.each([
  ['Local save in /data/art', '/data/art'],
  ['Local save in /data/event planning', '/data/eventplanning'],
  [' /a\tb\nc\vd\fe\rf ', '/abcdef'],
  ['/data/\u00a0x', '/data/\u00a0x'],
  ['Local save in ', null],
  ['Local save in', 'Localsavein'],
  ['local save in /x', 'localsavein/x'],
  [' Local save in /x', 'Localsavein/x'],
  ['Local save in Local save in /x', 'Localsavein/x'],
  ['Local save in 😀 /x', '😀/x'],
])('a save location %j becomes %j', async (text, path) => {
  expect((await one('pin', { ind: 1, save_location: text })).save_location).toBe(path)
})

describe('a place', () => {
  test('has coordinates when it has both, latitude first', async () => {
    const rows = await clean(session, 'geo', [
      {
        ind: 0,
        latitude: -89.5,
        longitude: 179.25,
        country: "Cote d'Ivoire",
        timestamp: '2019-05-06 07:08:09.5+02',
      },
      { ind: 1, latitude: 0, longitude: null },
      { ind: 2, latitude: null, longitude: 0 },
    ])
    expect(rows).toEqual([
      {
        _record: 0,
        ind: 0,
        country: "Cote d'Ivoire",
        coordinates: [-89.5, 179.25],
        timestamp: '2019-05-06T05:08:09.5Z',
        bad_reason: null,
      },
      { _record: 1, ind: 1, country: null, coordinates: null, timestamp: null, bad_reason: null },
      { _record: 2, ind: 2, country: null, coordinates: null, timestamp: null, bad_reason: null },
    ])
  })

  test.each(['', ' ', '\t\v'])('has no country when it is %j', async (country) => {
    expect((await one('geo', { ind: 0, country })).country).toBe(null)
  })

  test.each(['\u00a0', 'Untitled', 'Svalbard & Jan Mayen Islands'])(
    'keeps the country %j',
    async (country) => {
      expect((await one('geo', { ind: 0, country })).country).toBe(country)
    },
  )
})

test.each([
  ['Ann', 'Lee', 'Ann Lee'],
  ['Ann ', ' Lee', 'Ann   Lee'],
  ['\u00a0', "O'Hara", "\u00a0 O'Hara"],
  [null, 'Lee', null],
  ['Ann', null, null],
  ['', 'Lee', null],
  ['Ann', ' \v', null],
  ['User Info Error', 'Untitled', 'User Info Error Untitled'],
])('the names %j and %j become %j', async (first_name, last_name, user_name) => {
  expect(
    await one('user', { ind: 3, first_name, last_name, age: 0, date_joined: '2015-10-21 00:00:00+00' }),
  ).toEqual({
    _record: 0,
    ind: 3,
    user_name,
    age: 0,
    date_joined: '2015-10-21T00:00:00Z',
    bad_reason: null,
  })
})
