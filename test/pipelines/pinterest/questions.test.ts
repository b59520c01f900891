import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Row, Session } from '../../../src/engine/index.ts'
import { openSession, put, sqlText } from './tables.ts'

let session: Session
let close: () => void

beforeAll(async () => {
  const opened = await openSession()
  session = opened.session
  close = opened.close
})
afterAll(() => close())
beforeEach(() => putPosts([]))

interface Post {
  category?: string
  count?: number
  poster?: string
  country?: string
  posted?: string
  name?: string
  age?: number
  joined?: string
}

/** One row of each table a post; what a post does not say is null there. */
async function putPosts(posts: readonly Post[]): Promise<void> {
  const at = (time: string | undefined) => (time === undefined ? null : `${time}+00`)
  await put(
    session,
    'pin',
    ['ind INTEGER', 'category VARCHAR', 'follower_count INTEGER', 'poster_name VARCHAR'],
    posts.map((post, ind) => ({
      ind,
      category: post.category,
      follower_count: post.count,
      poster_name: post.poster,
    })),
  )
  await put(
    session,
    'geo',
    ['ind INTEGER', 'country VARCHAR', '"timestamp" TIMESTAMPTZ'],
    posts.map((post, ind) => ({ ind, country: post.country, timestamp: at(post.posted) })),
  )
  await put(
    session,
    'user',
    ['ind INTEGER', 'user_name VARCHAR', 'age INTEGER', 'date_joined TIMESTAMPTZ'],
    posts.map((post, ind) => ({ ind, user_name: post.name, age: post.age, date_joined: at(post.joined) })),
  )
}

async function ask(question: string, posts?: readonly Post[]): Promise<unknown[][]> {
  if (posts !== undefined) await putPosts(posts)
  return (await session.rows(sqlText(`questions/${question}.sql`))).map((row: Row) => Object.values(row))
}

const outputs: Record<string, string> = {
  '1': 'country VARCHAR, category VARCHAR, category_count BIGINT',
  '2': 'post_year INTEGER, category VARCHAR, category_count BIGINT',
  '3a': 'country VARCHAR, poster_name VARCHAR, follower_count INTEGER',
  '3b': 'country VARCHAR, follower_count INTEGER',
  '4': 'age_group VARCHAR, category VARCHAR, category_count BIGINT',
  '5': 'age_group VARCHAR, median_follower_count DOUBLE',
  '6': 'post_year INTEGER, number_users_joined BIGINT',
  '7': 'post_year INTEGER, median_follower_count DOUBLE',
  '8': 'age_group VARCHAR, post_year INTEGER, median_follower_count DOUBLE',
}

describe('the questions', () => {
  test('are these, each with a title in its first line', () => {
    const folder = join(import.meta.dirname, '../../../pipelines/pinterest/questions')
    expect(readdirSync(folder).sort()).toEqual(
      Object.keys(outputs)
        .map((name) => `${name}.sql`)
        .sort(),
    )
    for (const name of Object.keys(outputs)) expect(sqlText(`questions/${name}.sql`)).toMatch(/^-- \S.+\n/)
  })

  test.each(Object.entries(outputs))(
    '%s has its columns and types, and no rows of empty tables',
    async (name, output) => {
      const { columns, rows } = await session.query(sqlText(`questions/${name}.sql`))
      expect(columns.map((column) => `${column.name} ${column.type}`).join(', ')).toBe(output)
      expect(rows).toEqual([])
    },
  )

  test.each(Object.keys(outputs))('%s has no rows where everything but the key is unknown', async (name) => {
    expect(await ask(name, [{}, {}])).toEqual([])
  })

  test('join a post with nothing but its own place and user', async () => {
    await putPosts([{ category: 'art', country: 'A', count: 1, posted: '2018-01-01 00:00:00', age: 20 }])
    await session.run('UPDATE geo SET ind = 9')
    await session.run('UPDATE "user" SET ind = 9')
    for (const name of ['1', '2', '3a', '3b', '4', '5', '7', '8']) expect(await ask(name)).toEqual([])
  })
})

test('1: ties are all kept, unknown countries and categories left out, order is by code point', async () => {
  const posts: Post[] = [
    { country: 'b', category: 'art' },
    { country: 'Z', category: 'art' },
    { country: 'Z', category: 'travel' },
    { country: 'Z', category: 'Travel' },
    { country: 'é', category: 'art' },
    { country: 'b', category: 'quotes' },
    { country: 'b', category: 'quotes' },
    { country: 'b' },
    { country: 'b' },
    { country: 'b' },
    { category: 'art' },
    { country: 'only unknown' },
    { country: '😀', category: 'x' },
    { country: '\uff5e', category: 'x' },
  ]
  expect(await ask('1', posts)).toEqual([
    ['Z', 'Travel', 1],
    ['Z', 'art', 1],
    ['Z', 'travel', 1],
    ['b', 'quotes', 2],
    ['é', 'art', 1],
    ['\uff5e', 'x', 1],
    ['😀', 'x', 1],
  ])
})

test('2: a year is that of the post in UTC, 2018 to 2022', async () => {
  expect(
    await ask('2', [
      { category: 'art', posted: '2017-12-31 23:59:59.999999' },
      { category: 'art', posted: '2018-01-01 00:00:00' },
      { category: 'travel', posted: '2018-12-31 23:59:59.999999' },
      { category: 'art', posted: '2022-12-31 23:59:59' },
      { category: 'art', posted: '2022-01-01 00:00:00' },
      { category: 'beauty', posted: '2022-06-01 00:00:00' },
      { posted: '2022-06-01 00:00:00' },
      { posted: '2020-06-01 00:00:00' },
      { category: 'art', posted: '2023-01-01 00:00:00' },
      { category: 'art' },
    ]),
  ).toEqual([
    [2018, 'art', 1],
    [2018, 'travel', 1],
    [2022, 'art', 2],
  ])
})

const followed: Post[] = [
  { country: 'A', poster: 'p', count: 10 },
  { country: 'A', poster: 'p', count: 30 },
  { country: 'A', poster: 'p', count: 30 },
  { country: 'A', poster: 'q', count: 30 },
  { country: 'A', poster: 'r', count: 29 },
  { country: 'A', poster: 's' },
  { country: 'B', poster: 'p', count: 0 },
  { country: 'C', poster: 'z', count: 30 },
  { country: 'C', poster: 'y', count: 7 },
  { country: 'D', poster: 'y' },
  { poster: 'x', count: 99 },
]

test('3a: only the top posters of each country, each once with its highest count there', async () => {
  expect(await ask('3a', followed)).toEqual([
    ['A', 'p', 30],
    ['A', 'q', 30],
    ['B', 'p', 0],
    ['C', 'z', 30],
  ])
})

test('3a: a top poster whose name is unknown stays the top', async () => {
  expect(
    await ask('3a', [...followed, { country: 'B', count: 8 }, { country: 'B', count: 8 }]),
  ).toContainEqual(['B', null, 8])
})

test('3b: every country that has the most-followed poster', async () => {
  expect(await ask('3b', followed)).toEqual([
    ['A', 30],
    ['C', 30],
  ])
  expect(await ask('3b', followed.slice(6))).toEqual([['C', 30]])
})

test('4: the age groups are 18-24, 25-35, 36-50 and above; younger and unknown ages are left out', async () => {
  const ages = [17, 18, 24, 25, 35, 36, 50, 51, 120, 0]
  expect(
    await ask('4', [
      ...ages.map((age) => ({ age, category: `c${age}` })),
      { category: 'art' },
      { age: 20 },
      { age: 20 },
      { age: 50, category: 'c36' },
    ]),
  ).toEqual([
    ['18-24', 'c18', 1],
    ['18-24', 'c24', 1],
    ['25-35', 'c25', 1],
    ['25-35', 'c35', 1],
    ['36-50', 'c36', 2],
    ['50+', 'c120', 1],
    ['50+', 'c51', 1],
  ])
})

test('5: medians are exact, halves included, over posts with a known count', async () => {
  expect(
    await ask('5', [
      { age: 18, count: 3 },
      { age: 24, count: 1 },
      { age: 20, count: 8 },
      { age: 20, count: 4 },
      { age: 20 },
      { age: 25, count: 2_147_483_647 },
      { age: 25, count: 2_147_483_646 },
      { age: 36 },
      { age: 51, count: 0 },
      { age: 17, count: 5 },
      { count: 5 },
    ]),
  ).toEqual([
    ['18-24', 3.5],
    ['25-35', 2_147_483_646.5],
    ['50+', 0],
  ])
})

test('6: a profile is name, age and joining date together, and counts once', async () => {
  const ann = { name: 'Ann Lee', age: 20, joined: '2015-12-31 23:59:59' }
  expect(
    await ask('6', [
      ann,
      ann,
      ann,
      { ...ann, age: 21 },
      { ...ann, joined: '2015-12-31 23:59:58' },
      { ...ann, joined: '2014-12-31 23:59:59' },
      { ...ann, joined: '2021-01-01 00:00:00' },
      { name: 'Ann Lee', age: 20 },
      { age: 20, joined: '2020-12-31 23:59:59' },
      { age: 20, joined: '2020-12-31 23:59:59' },
      { name: 'Bo Lee', joined: '2016-01-01 00:00:00' },
    ]),
  ).toEqual([
    [2015, 3],
    [2016, 1],
    [2020, 1],
  ])
})

const joiners: Post[] = [
  { age: 20, joined: '2015-01-01 00:00:00', count: 1 },
  { age: 30, joined: '2015-12-31 23:59:59', count: 4 },
  { age: 30, joined: '2015-12-31 23:59:59', count: 4 },
  { age: 20, joined: '2015-12-31 23:59:59', count: 2 },
  { age: 20, joined: '2016-01-01 00:00:00' },
  { age: 17, joined: '2017-01-01 00:00:00', count: 6 },
  { joined: '2018-01-01 00:00:00', count: 7 },
  { age: 60, joined: '2020-12-31 23:59:59', count: 8 },
  { age: 60, joined: '2014-12-31 23:59:59', count: 9 },
  { age: 60, joined: '2021-01-01 00:00:00', count: 9 },
  { age: 60, count: 9 },
]

test('7: the year is that of joining, of whatever age', async () => {
  expect(await ask('7', joiners)).toEqual([
    [2015, 3],
    [2017, 6],
    [2018, 7],
    [2020, 8],
  ])
})

test('8: age group and joining year together', async () => {
  expect(await ask('8', joiners)).toEqual([
    ['18-24', 2015, 1.5],
    ['25-35', 2015, 4],
    ['50+', 2020, 8],
  ])
})
