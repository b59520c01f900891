import type { Row } from '../engine/index.ts'
import type { Answer, Told } from '../query/index.ts'

/** The whole of an answer whose rows come as items, as those of `sql` and `ask` do: `{ rows }`. */
export async function wholeAnswer(
  calling: (onItem: (item: unknown) => void) => Promise<Told>,
): Promise<Answer> {
  const rows: Row[] = []
  const { columns, versions } = await calling((item) => {
    for (const row of (item as { rows?: Row[] }).rows ?? []) rows.push(row)
  })
  return { columns, rows, versions }
}
