import { membersOf, type RecordCleaner } from '../clean/index.ts'
import { EpochReader, type EpochRecord } from '../lake/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import type { QuarantineParts } from './bad-records.ts'

/** How long a person waits for it. */
const searchMs = 3_000
const pieceRecords = 500

/**
 * The first good record with the key of another, up to that one's epoch: the one that is the row, where the first wins.
 * Only records that spell the key as this one does are looked at.
 *
 * @param key as `CleanedRecord` has it
 * @returns undefined where none was found, or not in time
 */
export async function firstWithKey(
  parts: QuarantineParts,
  dataset: Dataset,
  cleaner: RecordCleaner,
  { value, key, epoch: last }: { value: Buffer; key: string; epoch: number },
): Promise<EpochRecord | undefined> {
  const deadline = performance.now() + searchMs
  const spelled = spelledKey(dataset, value)
  const reader = new EpochReader(parts)
  const topics = new Set(dataset.topics.map(({ name }) => name))
  let piece: EpochRecord[] = []
  const firstOfPiece = async () => {
    const cleaned = await cleaner.clean(piece.map((record) => record.value))
    const found = piece[cleaned.findIndex((each) => each.row !== undefined && each.key === key)]
    piece = []
    return found
  }
  for await (const epoch of parts.epochs.epochsAfter(0)) {
    if (epoch.epoch > last || performance.now() > deadline) break
    for await (const records of reader.read(epoch, topics, 'log')) {
      for (const record of records)
        if (record.value !== null && spelled.every((text) => record.value?.includes(text))) piece.push(record)
      if (piece.length < pieceRecords) continue
      const found = await firstOfPiece()
      if (found || performance.now() > deadline) return found
    }
  }
  return piece.length > 0 ? firstOfPiece() : undefined
}

/** The texts of a record's key, where they show in its bytes. */
function spelledKey({ key, schema }: Dataset, value: Buffer): Buffer[] {
  const members = membersOf(value) ?? []
  const names = key.flatMap((column) => schema[column]?.from ?? [column])
  return members
    .filter(({ name, text }) => names.includes(name) && text !== '')
    .map(({ text }) => Buffer.from(text))
    .filter((text) => value.includes(text))
}
