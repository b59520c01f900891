import { literal } from '../../engine/index.ts'

/**
 * A file of JSON objects, one a line, as a relation. DuckDB takes twice the longest line that it is told to expect for
 * each of its threads, whether lines are as long or not: it is told no more than there is.
 *
 * @param columns a DuckDB struct of type names by column
 * @param lineBytesMax length of the longest line
 */
export function readLines(file: string, columns: string, lineBytesMax: number): string {
  const size = Math.max(lineBytesMax, 2 ** 20)
  return `read_json(${literal(file)}, format = 'newline_delimited', columns = ${columns}, maximum_object_size = ${size})`
}
