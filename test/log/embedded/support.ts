import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { LogRecord } from '../../../src/core/index.ts'
import { EmbeddedLog, type EmbeddedLogOptions, type Log } from '../../../src/log/index.ts'

export const options: EmbeddedLogOptions = {
  recordBytesMax: 2 ** 20,
  segmentBytes: 2 ** 30,
  segmentAgeMs: 1e12,
  freeBytesMin: 0,
}

export const everything = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }

/** A folder that is gone when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'log-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A log that is closed when the test ends. */
export async function openLog(
  folder: string,
  changed: Partial<EmbeddedLogOptions> = {},
): Promise<EmbeddedLog> {
  const log = await EmbeddedLog.open(folder, { ...options, ...changed })
  onTestFinished(() => log.close())
  return log
}

export function valuesOf(log: Log, topic: string, from = 0): string[] {
  return log.read(topic, 0, from, everything).map(({ value }: LogRecord) => String(value))
}
