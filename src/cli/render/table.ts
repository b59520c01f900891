import Table from 'cli-table3'

export interface Column {
  name: string
  /** Numbers stand to the right. */
  right: boolean
}

const borders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '  ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Characters of a cell; longer ones are cut. */
const cellWidthMax = 60

/** Rows as aligned columns without lines between them; wide characters count as two. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ right }) => (right ? 'right' : 'left')),
    chars: borders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) drawn.push(row.map((cell) => shorten(oneLine(cell))))
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n')
}

/** Control characters would move the cursor. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

function shorten(text: string): string {
  const characters = [...text]
  return characters.length <= cellWidthMax ? text : `${characters.slice(0, cellWidthMax - 1).join('')}…`
}
