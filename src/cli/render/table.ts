import stringWidth from 'string-width'

export interface Column {
  name: string
  /** Numbers stand to the right. */
  right: boolean
}

/** Characters of a cell; longer ones are cut. */
const cellWidthMax = 60
const gap = '  '

/** Rows as aligned columns without lines between them; wide characters count as two. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ name }) => name), ...rows].map((cells) =>
    cells.map((cell) => shorten(oneLine(cell))),
  )
  const widths = columns.map((_, at) =>
    lines.reduce((width, cells) => Math.max(width, widthOf(cells[at] ?? '')), 0),
  )
  const padded = (cell: string, at: number) => {
    const space = ' '.repeat((widths[at] ?? 0) - widthOf(cell))
    return columns[at]?.right ? space + cell : cell + space
  }
  return lines
    .map((cells) => `${gap}${cells.map(padded).join(gap)}`.trimEnd())
    .filter((line) => line !== '')
    .join('\n')
}

/** Columns of a terminal that a text takes. */
function widthOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text)
}

/** Control characters would move the cursor. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

function shorten(text: string): string {
  if (text.length <= cellWidthMax) return text
  const characters = [...text]
  return characters.length <= cellWidthMax ? text : `${characters.slice(0, cellWidthMax - 1).join('')}…`
}
