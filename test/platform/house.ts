import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished } from 'vitest'
import { loadConfig } from '../../src/core/index.ts'
import { loadPipeline, type Pipeline } from '../../src/pipeline/index.ts'
import { listTables, Platform, verifyPlatform } from '../../src/platform/index.ts'

const folder = join(import.meta.dirname, '../fixtures/orchard')
const topics = { harvest: 'demo.harvest', weather: 'orchard-demo-weather' } as const

export type DatasetName = keyof typeof topics

export const orchard = (): Promise<Pipeline> => loadPipeline(folder, { id: 'demo' })

/** The pipeline with another rule for one of its datasets. */
export async function orchardWithout(dataset: DatasetName): Promise<Pipeline> {
  const pipeline = await orchard()
  const changed = pipeline.datasets.map((known) =>
    known.name === dataset ? { ...known, key: [], definition: `${known.definition} changed` } : known,
  )
  return { ...pipeline, datasets: changed }
}

/** A data folder, what was sent to it, and its platform while one is open. */
export class House {
  readonly root: string
  readonly sent: Record<DatasetName, number>
  #platform: Platform | undefined

  private constructor(root: string, sent: Record<DatasetName, number>) {
    this.root = root
    this.sent = sent
  }

  /** It is gone when the test is. */
  static async make(): Promise<House> {
    const root = await mkdtemp(join(tmpdir(), 'pinflow-house-'))
    const house = new House(root, { harvest: 0, weather: 0 })
    onTestFinished(async () => {
      await house.close()
      await rm(root, { recursive: true, force: true })
    })
    return house
  }

  get data(): string {
    return join(this.root, 'data')
  }

  get platform(): Platform {
    if (this.#platform) return this.#platform
    throw new Error('no platform is open')
  }

  async open({
    pipeline,
    adopt = false,
    running = true,
    segmentBytes = 2 ** 27,
    taken = ['*'],
  }: {
    pipeline?: Pipeline
    adopt?: boolean
    running?: boolean
    segmentBytes?: number
    /** `lake.topics` */
    taken?: string[]
  } = {}): Promise<Platform> {
    const flags = {
      data: this.data,
      'take.ageMs': 20,
      'land.ageMs': 60,
      'log.segmentBytes': segmentBytes,
      'lake.topics': taken,
      'clean.groupRecordsMax': 20,
    }
    const { config } = await loadConfig({ environment: {}, flags, folder: this.root })
    const logger = pino({ level: 'silent' })
    const platform = await Platform.open({ config, pipeline: pipeline ?? (await orchard()), logger, adopt })
    this.#platform = platform
    if (running) platform.start()
    return platform
  }

  async close(): Promise<void> {
    const platform = this.#platform
    this.#platform = undefined
    await platform?.close()
  }

  /** Let go of everything at once, as a process does that dies. */
  async abandon(): Promise<void> {
    const platform = this.#platform
    this.#platform = undefined
    await platform?.abandon()
  }

  /** Send records of both datasets: of each four one is bad, and one is a copy of one before it, but for its key. */
  async send(count: number, datasets: readonly DatasetName[] = ['harvest', 'weather']): Promise<void> {
    for (const dataset of datasets) {
      const records = Array.from({ length: count }, () => {
        const at = this.sent[dataset]++
        return { key: null, value: Buffer.from(recordOf(dataset, at)) }
      })
      await this.platform.log.append({ topic: topics[dataset], partition: 0, records })
    }
  }

  /** Everything that was sent went all the way, both ways, and the recount agrees. */
  async expectAllRight(): Promise<void> {
    await this.platform.settle()
    await this.platform.runBatch()
    await this.expectVerified()
    const { accounts } = await verifyPlatform(this.platform)
    for (const [dataset, sent] of Object.entries(this.sent)) {
      const expected = expectedOf(dataset as DatasetName, sent)
      expect({ dataset, ...accounts[dataset] }).toMatchObject({ dataset, stream: expected, batch: expected })
    }
    const stopped = Object.values(await listTables(this.platform)).filter((table) => table.stopped)
    expect(stopped).toEqual([])
  }

  async expectVerified(): Promise<void> {
    const { checks } = await verifyPlatform(this.platform)
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
  }

  /** Run through a number of rounds of everything, and stop. @param copies names of copies, one after each round */
  async fill(copies: readonly string[], segmentBytes?: number): Promise<void> {
    for (const copy of copies) {
      await this.open(segmentBytes === undefined ? {} : { segmentBytes })
      for (let part = 0; part < 2; part++) {
        await this.send(8)
        await this.platform.settle()
      }
      await this.platform.runBatch()
      await this.close()
      await cp(this.data, join(this.root, copy), { recursive: true })
    }
  }

  /** Put a part of the data folder back from a copy. */
  async putBack(copy: string, ...parts: string[]): Promise<void> {
    for (const part of parts) {
      await rm(join(this.data, part), { recursive: true, force: true })
      await cp(join(this.root, copy, part), join(this.data, part), { recursive: true })
    }
  }

  async remove(...parts: string[]): Promise<void> {
    for (const part of parts) await rm(join(this.data, part), { recursive: true })
  }
}

function recordOf(dataset: DatasetName, at: number): string {
  if (at % 4 === 3) return '{"neither":"nor"}'
  // A repeat says what the record before it says.
  const row = at % 4 === 2 ? at - 1 : at
  return dataset === 'harvest'
    ? JSON.stringify({
        tree: `T${row}`,
        day: '2024-09-01',
        variety: 'Boskoop',
        weight: '2 kg',
        picker: 'Ada',
      })
    : JSON.stringify({ station: 'north', measured: '2024-09-01 06:00:00', celsius: row })
}

function expectedOf(dataset: DatasetName, sent: number) {
  const bad = Math.floor(sent / 4)
  const repeats = dataset === 'harvest' ? Math.floor((sent + 1) / 4) : 0
  return { read: sent, rows: sent - bad - repeats, duplicates: repeats, quarantined: bad }
}
