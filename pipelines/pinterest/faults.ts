import { rows } from './categories.ts'
import { type Purpose, placeOf } from './shuffle.ts'

/** What a sender put out instead of the record it should have; the row's own record is then missing. */
const misdirected = ['foreign', 'testMessage', 'keyedByIndex', 'kafkaBody'] as const
/** The record, with something else than the table's own type or name in it. */
const odd = ['keyAsText', 'numbersAsText', 'indNamed'] as const

export type Fault = (typeof misdirected)[number] | (typeof odd)[number]

/** Rows of each, in 1 of `rows`: 0.1 % of what is lost, 0.2 % of what only looks otherwise. */
const misdirectedEach = 11
const oddEach = 22

/** What is wrong with the record of a row; undefined with nearly all. */
export function faultOf(row: number, what: Purpose): Fault | undefined {
  const place = placeOf(row, rows, what)
  const rest = place - misdirected.length * misdirectedEach
  return rest < 0 ? misdirected[Math.floor(place / misdirectedEach)] : odd[Math.floor(rest / oddEach)]
}

/** The record as JSON text, with the fault in it. @param foreign what another table has for the row */
export function faulty(record: object, foreign: object, fault: Fault | undefined): string {
  switch (fault) {
    case undefined:
      return JSON.stringify(record)
    case 'foreign':
      return JSON.stringify(foreign)
    case 'testMessage':
      return JSON.stringify({ message: 'test' })
    case 'keyedByIndex':
      return JSON.stringify({ index: record })
    case 'kafkaBody':
      return JSON.stringify({ records: [{ value: record }] })
    case 'keyAsText':
      return JSON.stringify(changed(record, (name, value, n) => [name, n === 0 ? String(value) : value]))
    case 'numbersAsText':
      return JSON.stringify(changed(record, (name, value, n) => [name, n > 0 ? String(value) : value]))
    case 'indNamed':
      return JSON.stringify(changed(record, (name, value) => [name === 'index' ? 'ind' : name, value]))
  }
}

type Change = (name: string, value: unknown, n: number) => [string, unknown]

function changed(record: object, change: Change): object {
  return Object.fromEntries(Object.entries(record).map(([name, value], n) => change(name, value, n)))
}
