import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { runOperation } from '../../src/api/index.ts'
import { loadConfig } from '../../src/core/index.ts'
import { loadPipeline } from '../../src/pipeline/index.ts'
import { Platform } from '../../src/platform/index.ts'

const folder = join(import.meta.dirname, '../../pipelines/pinterest')

test('bytes in an answer are text, or base64 where they are not UTF-8, in JSON as in this process', async () => {
  const data = await mkdtemp(join(tmpdir(), 'pinflow-api-'))
  const { config } = await loadConfig({ environment: {}, flags: { data }, folder: data })
  const pipeline = await loadPipeline(folder, { id: 'demo' })
  const platform = await Platform.open({ config, pipeline, logger: pino({ level: 'silent' }) })
  onTestFinished(async () => {
    await platform.abandon()
    await rm(data, { recursive: true })
  })
  const values = [Buffer.from('{"a": "é"}'), Buffer.from([0xff, 0x00]), null]
  await platform.log.append({
    topic: 'demo.geo',
    partition: 0,
    records: values.map((value) => ({ key: null, value })),
  })
  platform.start()
  await platform.settle()
  const sql = 'SELECT value, [value] AS listed FROM quarantine.geo ORDER BY "offset"'
  const items: unknown[] = []
  const context = {
    platform,
    signal: new AbortController().signal,
    emit: (item: unknown) => void items.push(item),
  }
  await runOperation('sql', context, { sql, from: 'stream' })
  const shown = ['{"a": "é"}', { base64: '/wA=' }, null]
  expect(items[1]).toEqual({ rows: shown.map((value) => ({ value, listed: [value] })) })
})
