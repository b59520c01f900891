import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { expect, onTestFinished } from 'vitest'
import type { OperationName, ParametersOf, ResultOf } from '../../src/api/index.ts'
import { runOperation } from '../../src/api/index.ts'
import { loadConfig } from '../../src/core/index.ts'
import { Platform, verifyPlatform } from '../../src/platform/index.ts'
import { loadStall, type Sale } from './sales.ts'

/** Everything happens often. */
export const flags = {
  'take.ageMs': 20,
  'land.ageMs': 60,
  'clean.groupRecordsMax': 150,
  'land.flushSize': 90,
}

/** The data folder of a stall, and its platform while one is open. */
export class Stall {
  readonly data: string
  #platform: Platform | undefined

  private constructor(data: string) {
    this.data = data
  }

  /** It is gone when the test is, or the file. */
  static async make(whenOver: (action: () => Promise<void>) => void = onTestFinished): Promise<Stall> {
    const root = await mkdtemp(join(tmpdir(), 'pinflow-stall-'))
    const stall = new Stall(join(root, 'data'))
    whenOver(async () => {
      await stall.close()
      await rm(root, { recursive: true, force: true })
    })
    return stall
  }

  async open(
    folder: string,
    {
      logger = pino({ level: 'silent' }),
      more = {},
    }: { logger?: Logger; more?: Record<string, unknown> } = {},
  ): Promise<Platform> {
    const { config } = await loadConfig({
      environment: {},
      flags: { data: this.data, ...flags, ...more },
      folder: this.data,
    })
    this.#platform = await Platform.open({ config, pipeline: await loadStall(folder), logger })
    this.#platform.start()
    return this.#platform
  }

  get platform(): Platform {
    if (this.#platform) return this.#platform
    throw new Error('no platform is open')
  }

  async close(): Promise<void> {
    const platform = this.#platform
    this.#platform = undefined
    await platform?.close()
  }

  /** Append records in order, some at a time. */
  async send(sales: readonly Pick<Sale, 'value'>[], topic = 'demo.sale'): Promise<void> {
    for (let at = 0; at < sales.length; at += 250) {
      const records = sales.slice(at, at + 250).map(({ value }) => ({
        key: null,
        value: value === null ? null : Buffer.from(value),
        headers: [['at', Buffer.from(String(at))] as const],
      }))
      await this.platform.log.append({ topic, partition: 0, records })
    }
  }

  async settle(): Promise<void> {
    await this.platform.settle()
    await this.platform.runBatch()
  }

  async call<Name extends OperationName>(
    name: Name,
    parameters: ParametersOf<Name>,
  ): Promise<ResultOf<Name>> {
    const context = { platform: this.platform, signal: new AbortController().signal, emit: () => undefined }
    return (await runOperation(name, context, parameters)) as ResultOf<Name>
  }

  async expectVerified(): Promise<void> {
    const { ok, checks } = await verifyPlatform(this.platform)
    expect(checks.filter((check) => !check.ok)).toEqual([])
    expect(ok).toBe(true)
  }

  /** Offset and reason of every bad sale, in order, as one way of cleaning has it. */
  async badSales(path: 'stream' | 'batch'): Promise<{ offset: number; reason: string }[]> {
    const entry = this.platform.catalog.find(({ name }) => name === `quarantine.${path}.sale`)
    const { scanSql } = await import('../../src/table/index.ts')
    const snapshot = await entry?.table.snapshot()
    if (!entry || !snapshot) throw new Error('there is no quarantine')
    const relation = await scanSql(entry.table.store, entry.table.prefix, snapshot)
    return this.platform.engine.with(async (session) =>
      (await session.rows(`SELECT "offset", reason FROM ${relation} ORDER BY "offset"`)).map(
        ({ offset, reason }) => ({ offset: Number(offset), reason: String(reason) }),
      ),
    )
  }
}
