/** As much of a line as is shown on each side of its place. */
const shownEachSide = 60

/**
 * A message with the line it is about and a caret under the place, as the SQL engine writes it:
 *
 *     there is no table pim
 *
 *     LINE 1: SELECT * FROM pim
 *                           ^
 *
 * @param byteAt where in the text, in bytes of UTF-8; beyond its end: the message alone
 */
export function pointed(message: string, sql: string, byteAt: number | undefined): string {
  const bytes = Buffer.from(sql)
  if (byteAt === undefined || !(byteAt >= 0 && byteAt <= bytes.length)) return message
  const before = bytes.subarray(0, byteAt).toString().split('\n')
  const start = before.at(-1) ?? ''
  const rest = (bytes.subarray(byteAt).toString().split('\n', 1)[0] ?? '').trimEnd()
  const head = start.length > shownEachSide ? `...${start.slice(-shownEachSide)}` : start
  const tail = rest.length > shownEachSide ? `${rest.slice(0, shownEachSide)}...` : rest
  const line = `LINE ${before.length}: `
  // A tab stays one, so that the caret stands under its place in any terminal.
  const indent = (line + head).replace(/[^\t]/g, ' ')
  return `${message}\n\n${line}${head}${tail}\n${indent}^`
}
