/** Longest stretch of a line of SQL that is shown around a caret. */
const shownMax = 96

/**
 * A message of the SQL engine with its caret under the right column of a terminal.
 *
 * The engine shows the line at fault, and `^` below. It takes a tab as nothing. Where the grammar is at fault it takes a
 * number of characters for a number of bytes, so that after letters outside ASCII the caret, and even the line, is
 * another: then the place is found again by the word that it names. Tabs become blanks.
 *
 * @param sql the text that was asked
 * @returns the message as it was, where it shows no line of that text
 */
export function withRightCaret(message: string, sql: string): string {
  const found = /^LINE (\d+): (.*)\n( *)\^/m.exec(message)
  if (!found) return message
  const [whole, line = '', text = '', blanks = ''] = found
  const shown = { line: Number(line), text, column: blanks.length - `LINE ${line}: `.length }
  const word = /syntax error at or near "(.+)"$/m.exec(message)?.[1]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant
  const place = word !== undefined && /[^\x00-\x7f]/.test(sql) ? placeOf(word, sql, shown) : undefined
  const right = place === undefined ? withoutTabs(shown) : drawn(sql, place)
  return message.replace(whole, () => right)
}

/** What the engine shows: number and text of a line, and the column of the caret in it. */
interface Shown {
  line: number
  text: string
  column: number
}

/** The place of a word in the text for which the engine would show this. */
function placeOf(word: string, sql: string, shown: Shown): number | undefined {
  const bytes = Buffer.from(sql)
  let best: { place: number; away: number } | undefined
  for (let place = sql.indexOf(word); place >= 0; place = sql.indexOf(word, place + 1)) {
    const characters = [...sql.slice(0, place)].length
    const before = bytes.subarray(0, characters).toString().split('\n')
    if (before.length !== shown.line) continue
    const away = awayFrom(shown, before.at(-1) ?? '', bytes.subarray(characters).toString())
    if (!best || away < best.away) best = { place, away }
  }
  return best?.place
}

/** How far a caret with these texts before and after it is from what is shown. */
function awayFrom({ text, column }: Shown, before: string, after: string): number {
  if (!text.startsWith('...')) return Math.abs(widthOf(before, 0) - column)
  // Of a long line a piece is shown.
  const rest = [...text].filter((_, at, all) => widthOf(all.slice(0, at).join(''), 0) >= column).join('')
  return after.startsWith(rest.slice(0, 8)) ? 0 : 1
}

function withoutTabs({ line, text, column }: Shown): string {
  let end = 0
  for (const character of text) {
    const isBefore = widthOf(text.slice(0, end), 0) < column
    if (!isBefore && character !== '\t') break
    end += character.length
  }
  const head = `LINE ${line}: `
  const blanks = ' '.repeat(head.length + widthOf(text.slice(0, end), 1))
  return `${head}${text.replaceAll('\t', ' ')}\n${blanks}^`
}

function drawn(sql: string, place: number): string {
  const before = sql.slice(0, place).split('\n')
  const column = before.at(-1)?.length ?? 0
  const [line = ''] = sql.slice(place - column).split('\n')
  const from = line.length <= shownMax ? 0 : Math.max(0, column - shownMax / 2)
  const piece = line.slice(from, from + shownMax)
  const head = `LINE ${before.length}: ${from > 0 ? '...' : ''}`
  const end = from + shownMax < line.length ? '...' : ''
  const blanks = ' '.repeat(head.length + widthOf(piece.slice(0, column - from), 1))
  return `${head}${piece.replaceAll('\t', ' ')}${end}\n${blanks}^`
}

const wide =
  /\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u

/** Columns of a terminal that a text takes. */
function widthOf(text: string, tabWidth: number): number {
  let width = 0
  for (const character of text) {
    if (character === '\t') width += tabWidth
    else if (!/^(\p{M}|\p{Cf}|\p{Cc})/u.test(character)) width += wide.test(character) ? 2 : 1
  }
  return width
}
