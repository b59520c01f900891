import { rows } from './categories.ts'
import { type Purpose, placeOf } from './shuffle.ts'

/** Share of the rows in each form other than the first, in 1 of `rows`: 0.3 %. */
const each = 33

const forms: readonly ((seconds: number) => string)[] = [
  (seconds) => plain(seconds, ' '),
  (seconds) => plain(seconds, 'T'),
  (seconds) => `${plain(seconds, 'T')}Z`,
  (seconds) => `${plain(seconds, 'T')}.000000`,
  (seconds) => `${plain(seconds, ' ')}.000Z`,
  (seconds) => `${plain(seconds + 7_200, 'T')}+02:00`,
  (seconds) => `${plain(seconds - 12_600, ' ')}.0-03:30`,
  (seconds) => plain(seconds, ' ').replace(/^(\d+)-(\d+)-/, '$1:$2:'),
]

/**
 * A time as its row's sender writes it: mostly `YYYY-MM-DD HH:MM:SS`, now and then another form of the same instant.
 *
 * @param seconds since 1970
 */
export function dateText(seconds: number, row: number, what: Purpose): string {
  const form = forms[Math.floor(placeOf(row, rows, what) / each) + 1] ?? forms[0]!
  return form(seconds)
}

function plain(seconds: number, separator: string): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', separator)
}
