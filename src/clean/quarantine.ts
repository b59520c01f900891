import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStore } from '../core/index.ts'
import { type Engine, identifier, literal } from '../engine/index.ts'
import type { EpochRecord } from '../lake/index.ts'
import { type AddFile, duckDbType, writeParquet } from '../table/index.ts'
import { readLines } from './duckdb/read-lines.ts'
import { TextWriter } from './prepared-file.ts'
import type { Bad } from './reason.ts'
import { quarantineSchema } from './table-pair.ts'

/** A record with what is bad about it. */
export type BadRecord = Bad & { record: EpochRecord }

/** Stage bad records, in order, as a file of a quarantine table; commits nothing, and keeps none in memory. */
export async function writeQuarantine(
  engine: Engine,
  tables: ObjectStore,
  prefix: string,
  temporaryFolder: string,
  entries: AsyncIterable<BadRecord>,
): Promise<AddFile[]> {
  const file = join(temporaryFolder, `quarantine-${randomUUID()}.ndjson`)
  const types = quarantineSchema.map(({ name, type }) => ({
    name,
    type,
    read: type === 'binary' ? 'VARCHAR' : duckDbType(type),
  }))
  const columns = types.map(({ name, read }) => `${literal(name)}: ${literal(read)}`).join(', ')
  const values = types.map(({ name, type }) =>
    type === 'binary' ? `from_base64(${identifier(name)}) AS ${identifier(name)}` : identifier(name),
  )
  try {
    const lineBytesMax = await writeLines(file, entries)
    if (lineBytesMax === 0) return []
    const add = await engine.with((session) =>
      writeParquet(
        session,
        tables,
        prefix,
        `SELECT ${values.join(', ')} FROM ${readLines(file, `{${columns}}`, lineBytesMax)}`,
        quarantineSchema,
      ),
    )
    return add ? [add] : []
  } finally {
    await rm(file, { force: true })
  }
}

/** @returns length of the longest line; 0 for none */
async function writeLines(path: string, entries: AsyncIterable<BadRecord>): Promise<number> {
  let lineBytesMax = 0
  const file = await open(path, 'wx')
  try {
    const writer = new TextWriter(file, 'utf8')
    for await (const entry of entries) {
      const line = lineOfEntry(entry)
      lineBytesMax = Math.max(lineBytesMax, Buffer.byteLength(line))
      const full = writer.add(line)
      if (full) await full
    }
    await writer.flush()
  } finally {
    await file.close()
  }
  return lineBytesMax
}

function lineOfEntry({ record, reason, detail }: BadRecord): string {
  const { epoch, topic, partition, offset, value, origin } = record
  const headers = origin?.headers.map(([name, content]) => ({
    name,
    base64: content?.toString('base64') ?? null,
  }))
  const entry = {
    epoch,
    topic,
    partition,
    offset,
    reason,
    detail,
    value: value?.toString('base64'),
    key: origin?.key?.toString('base64'),
    headers: headers && headers.length > 0 ? JSON.stringify(headers) : undefined,
    timestamp: origin && isoTime(origin.timestampMs),
    append_time: origin && isoTime(origin.appendTimeMs),
  }
  return `${JSON.stringify(entry)}\n`
}

/** A sender may claim any time; what no calendar holds is left out. */
function isoTime(timeMs: number): string | undefined {
  const time = new Date(timeMs)
  const valid = timeMs >= -62_135_596_800_000 && timeMs < 253_402_300_800_000 && !Number.isNaN(time.getTime())
  return valid ? time.toISOString() : undefined
}
