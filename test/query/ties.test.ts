import { expect, test } from 'vitest'
import { tiesOf } from '../../src/query/index.ts'

test('rows that are equal in all the columns share a place, and no others', () => {
  const rows = [
    { country: 'Peru', category: 'art', count: 3 },
    { country: 'Peru', category: 'quotes', count: 3 },
    { country: 'Chad', category: 'art', count: 3 },
    { country: 'Cuba', category: 'art', count: 1 },
    { country: 'Cuba', category: 'art', count: '1' },
  ]
  expect(tiesOf(rows, ['country', 'count']).places).toEqual([[0, 1]])
  expect(tiesOf(rows, ['count']).places).toEqual([[0, 1, 2]])
  expect(tiesOf([], ['count']).places).toEqual([])
})

test('what is unknown is equal to nothing', () => {
  expect(tiesOf([{ a: null }, { a: null }, {}], ['a']).places).toEqual([])
})
