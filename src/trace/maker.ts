import { fileEpochs } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import type { EpochRecord } from '../lake/index.ts'
import { type KeyPart, keyParts, mayHold } from './key.ts'
import type { TracedDataset, Tracer } from './parts.ts'
import { type FoundRow, keyOfRow } from './rows.ts'

/** Records cleaned at once, and their bytes. */
const pieceMax = { records: 1_000, bytes: 4 * 2 ** 20 }

/**
 * The record that a row was made of: of the epochs of the row's file, the first good record with the row's key, or the
 * last where the last one wins. A file that does not say its epochs may be of any up to `epochMax`.
 *
 * @returns undefined where it cannot be found: the lake is damaged, or the row was made by another definition
 */
export function makerOf(
  tracer: Tracer,
  traced: TracedDataset,
  found: FoundRow,
  epochMax: number,
): Promise<EpochRecord | undefined> {
  // The first record with a key is the same for stream and batch; the last is that as far as each has come.
  if (traced.dataset.onDuplicate === 'last') return search(tracer, traced, found, epochMax)
  const key = JSON.stringify([traced.dataset.name, ...keyOfRow(traced, found.row).map(({ text }) => text)])
  const known = tracer.makers.get(key) ?? search(tracer, traced, found, epochMax)
  tracer.makers.set(key, known)
  return known
}

async function search(
  tracer: Tracer,
  traced: TracedDataset,
  found: FoundRow,
  epochMax: number,
): Promise<EpochRecord | undefined> {
  const { dataset, topics } = traced
  const span = fileEpochs(found.file) ?? { from: 1, to: epochMax }
  const key = keyOfRow(traced, found.row)
  const filter = bytesFilter(
    traced,
    key.map(({ text }) => text),
  )
  const lastWins = dataset.onDuplicate === 'last'
  let maker: EpochRecord | undefined
  let piece: EpochRecord[] = []
  let bytes = 0
  const judge = async (): Promise<boolean> => {
    // Not kept: a file may be of all history.
    const cleaned = await traced.cleaner.clean(piece.map(({ value }) => value))
    const isOf = ({ row }: (typeof cleaned)[number]) =>
      row !== undefined && key.every(({ column, text }) => String(row[column]) === text)
    const at = lastWins ? cleaned.findLastIndex(isOf) : cleaned.findIndex(isOf)
    if (at >= 0) maker = piece[at]
    piece = []
    bytes = 0
    return maker !== undefined && !lastWins
  }
  try {
    for await (const epoch of tracer.parts.epochs.epochsAfter(span.from - 1)) {
      if (epoch.epoch > span.to) break
      for await (const records of tracer.reader.read(epoch, topics, 'log')) {
        for (const record of records) {
          if (record.value === null || !mayHold(filter, record.value)) continue
          piece.push(record)
          bytes += record.value.length
          if (piece.length < pieceMax.records && bytes < pieceMax.bytes) continue
          if (await judge()) return maker
        }
      }
    }
    if (piece.length > 0) await judge()
    return maker
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return undefined
  }
}

/** What of a clean key shows in the bytes of a record: columns that are as they came. */
function bytesFilter({ dataset, passedOn }: TracedDataset, texts: readonly string[]): KeyPart[] {
  return keyParts(dataset, texts).filter(({ column }) => passedOn.has(column.toLowerCase()))
}
