import { cp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CleaningPath } from '../../../src/clean/index.ts'
import { loadConfig, PipelineError } from '../../../src/core/index.ts'
import { Sequencer } from '../../../src/lake/index.ts'
import { Platform } from '../../../src/platform/index.ts'
import { keepFrom } from '../../../src/platform/retention.ts'
import { optimize, type Snapshot, vacuum } from '../../../src/table/index.ts'
import { Broken } from '../campaign.ts'
import type { Books } from './books.ts'
import { hours, type Plant, pipeline, topic } from './plant.ts'

/** What stays true once the operation has succeeded; tells what does not. */
type Fact = (plant: Plant) => Promise<string | undefined> | string | undefined

const nothingMore: Fact = () => undefined

export interface Operation {
  name: string
  /** Bring about that there is something to do; the plant is then closed. */
  prepare(plant: Plant, books: Books): Promise<void>
  /** The tables that it is about. */
  of?: CleaningPath
  /** After the plant was closed. */
  afterwards?(root: string, books: Books): Promise<void>
  /** How much later it is done. */
  laterMs?: number
  /** Do it. */
  onPlant?(plant: Plant, books: Books): Promise<Fact>
  /** Do it where nothing is open. */
  onFolder?(root: string): Promise<Opened>
  /** Let go of a folder, which is what fails. */
  isClosing?: boolean
  /** It is done where there is no folder yet. */
  isFirst?: boolean
}

const versionAtLeast =
  (name: string, version: number): Fact =>
  async (plant) => {
    const found = (await plant.table(name).snapshot())?.version ?? -1
    return found >= version ? undefined : `${name} is at version ${found}, and was at ${version}`
  }

async function versionNow(plant: Plant, name: string): Promise<Fact> {
  return versionAtLeast(name, (await plant.table(name).snapshot())?.version ?? -1)
}

const quiet = { fatal() {}, error() {}, warn() {}, info() {} } as never

/** A platform on a folder, that does nothing by itself. */
export interface Opened {
  close(): Promise<void>
  /** Whether it says that something is wrong with a dataset. */
  hasTrouble: boolean
  /** Go on, and find nothing wrong any more. */
  heal(): Promise<void>
}

async function openPlatform(root: string, adopt: boolean): Promise<Opened> {
  const { config } = await loadConfig({ environment: {}, flags: { data: root }, folder: import.meta.dirname })
  const small = { ...config, log: { ...config.log, freeBytesMin: 0 } }
  const platform = await Platform.open({ config: small, pipeline, logger: quiet, adopt })
  const troubles = () => Object.values(platform.states()).filter((state) => 'error' in state)
  return {
    close: () => platform.abandon(),
    hasTrouble: troubles().length > 0,
    async heal() {
      platform.start()
      await platform.settle()
      await platform.runBatch()
      // A stream tries again by itself; how long it takes to is bounded by whoever called.
      while (troubles().length > 0) await sleep(20)
    },
  }
}

async function cleanOnce(plant: Plant, path: CleaningPath): Promise<Fact> {
  await (await plant.cleaner(path)).step()
  return versionNow(plant, `${path}/thing`)
}

/** Something waits everywhere: in the log, in a take, in a land, in the lake. */
async function prepareAll(plant: Plant, books: Books): Promise<void> {
  for (const steps of [3, 1, 0]) {
    await books.append(plant, 6)
    if (steps > 0) await plant.sequence()
    if (steps > 1) await plant.finish()
  }
}

/** A group waits for the stream, or for the batch. */
async function prepareGroup(plant: Plant, books: Books): Promise<void> {
  await books.append(plant, 4)
  await plant.finish()
  await books.append(plant, 6)
  await plant.sequence()
  while (await plant.sink());
}

export const operations: readonly Operation[] = [
  {
    name: 'open a new platform',
    prepare: async () => undefined,
    isFirst: true,
    onFolder: (root) => openPlatform(root, false),
  },
  {
    name: 'open a platform',
    prepare: prepareAll,
    onFolder: (root) => openPlatform(root, false),
  },
  {
    name: 'close a platform',
    prepare: prepareAll,
    isClosing: true,
    onFolder: (root) => openPlatform(root, false),
  },
  {
    name: 'adopt a log',
    async prepare(plant, books) {
      await books.append(plant, 6)
      await plant.finish()
      await plant.log.append({ topic, partition: 0, records: [{ key: null, value: Buffer.from('lost') }] })
      await plant.sequence()
    },
    async afterwards(root, books) {
      await rm(join(root, 'log'), { recursive: true })
      books.forgetLog()
    },
    onFolder: (root) => openPlatform(root, true),
  },
  {
    name: 'adopt an older log over half a landing',
    async prepare(plant, books) {
      await books.append(plant, 6)
      await plant.finish()
      await books.append(plant, 3)
      await cp(join(plant.root, 'log'), join(plant.root, 'older'), { recursive: true })
      await plant.log.append({ topic, partition: 0, records: [{ key: null, value: Buffer.from('lost') }] })
      while (await plant.sequence());
      while (await plant.sink());
    },
    async afterwards(root) {
      await rm(join(root, 'log'), { recursive: true })
      await rename(join(root, 'older'), join(root, 'log'))
      const markers = join(root, 'lake/_pinflow', pipeline.name, 'landed')
      await rm(join(markers, (await readdir(markers)).sort().at(-1)!))
    },
    onFolder: (root) => openPlatform(root, true),
  },
  {
    name: 'create a topic',
    prepare: async () => undefined,
    async onPlant({ log }) {
      try {
        await log.createTopic('made', { partitions: 2, partitioner: 'kafka' })
      } catch (error) {
        if (!(error instanceof PipelineError && error.code === 'TOPIC_EXISTS')) throw error
      }
      return (plant) =>
        plant.log.topics().some(({ name }) => name === 'made') ? undefined : 'the topic is gone'
    },
  },
  {
    name: 'append',
    prepare: prepareAll,
    async onPlant(plant, books) {
      await Promise.all([books.append(plant, 2), books.append(plant, 1)])
      return nothingMore
    },
  },
  {
    name: 'begin a segment',
    prepare: (plant, books) => books.append(plant, 12, 'x'.repeat(6_000)),
    async onPlant(plant, books) {
      await books.append(plant, 2)
      return nothingMore
    },
  },
  {
    name: 'take',
    prepare: prepareAll,
    async onPlant({ log, epochs }) {
      const take = { ageMs: 0, recordsMax: 1_000, bytesMax: 1e6 }
      const land = { ageMs: 1e15, bytesMax: 1e15, flushSize: 1e15 }
      await new Sequencer(log, epochs, { topics: ['*'], take, land }).step()
      const { newest } = epochs
      return (plant) => (plant.epochs.newest >= newest ? undefined : `entry ${newest} is gone`)
    },
  },
  {
    name: 'land',
    async prepare(plant, books) {
      await prepareAll(plant, books)
      await plant.epochs.take(plant.log.id, [{ topic, partition: 0, from: 12, to: 14, count: 2, bytes: 100 }])
    },
    async onPlant({ log, epochs }) {
      await epochs.land(log.id, 4)
      const { newestLand } = epochs
      return (plant) => (plant.epochs.newestLand >= newestLand ? undefined : `land ${newestLand} is gone`)
    },
  },
  {
    name: 'sink',
    prepare: prepareAll,
    async onPlant(plant) {
      await plant.sink()
      const { landed } = plant
      return (reopened) => (reopened.landed >= landed ? undefined : `the marker of land ${landed} is gone`)
    },
  },
  {
    name: 'clean a group as a stream',
    of: 'stream',
    prepare: prepareGroup,
    onPlant: (plant) => cleanOnce(plant, 'stream'),
  },
  {
    name: 'clean a group as a batch',
    of: 'batch',
    prepare: prepareGroup,
    onPlant: (plant) => cleanOnce(plant, 'batch'),
  },
  {
    name: 'checkpoint',
    of: 'stream',
    async prepare(plant, books) {
      await prepareGroup(plant, books)
      const table = plant.table('stream/thing')
      for (let commit = 0; commit < 10; commit++) {
        const { version, commitInfo } = (await table.snapshot())!
        await table.commit(version + 1, [
          { commitInfo: { operation: 'NOTHING', pinflow: commitInfo?.pinflow } },
        ])
      }
    },
    async onPlant(plant) {
      const table = plant.table('stream/thing')
      const { failure } = await table.maintain()
      // Told as a value, for it keeps nothing up.
      if (failure !== undefined) await table.checkpoint((await table.snapshot())?.version ?? -1)
      return versionNow(plant, 'stream/thing')
    },
  },
  {
    name: 'rebuild',
    of: 'stream',
    prepare: prepareGroup,
    async onPlant(plant) {
      await (await plant.cleaner('stream')).rebuild()
      return versionNow(plant, 'stream/thing')
    },
  },
  {
    name: 'optimize',
    of: 'stream',
    prepare: prepareTwice,
    async onPlant(plant) {
      await optimizeTable(plant, 'stream/thing')
      return versionNow(plant, 'stream/thing')
    },
  },
  {
    name: 'vacuum',
    of: 'stream',
    async prepare(plant, books) {
      await prepareTwice(plant, books)
      await optimizeTable(plant, 'stream/thing')
    },
    async onPlant(plant) {
      await vacuum(plant.table('stream/thing'), { retentionMs: 0, nowMs: Date.now() + hours(1) })
      return versionNow(plant, 'stream/thing')
    },
  },
  {
    name: 'retention',
    laterMs: hours(3),
    async prepare(plant, books) {
      for (let count = 0; count < 3; count++) {
        await books.append(plant, 8, 'x'.repeat(6_000))
        await plant.finish()
      }
    },
    async onPlant({ epochs, log, landed }) {
      await epochs.deleteOldTakes()
      const dropped = await log.retain(
        { ageMs: -1, bytesMax: null },
        keepFrom(epochs, landed, epochs.newest, () => true),
      )
      if (dropped === 0 && log.offsets(topic, 0).start === 0) throw new Broken('nothing was dropped')
      return nothingMore
    },
  },
]

async function prepareTwice(plant: Plant, books: Books): Promise<void> {
  for (let count = 0; count < 2; count++) {
    await books.append(plant, 6)
    await plant.finish()
  }
}

async function optimizeTable(plant: Plant, name: string): Promise<void> {
  const carry = ({ commitInfo }: Snapshot) => ({ pinflow: commitInfo?.pinflow })
  const table = plant.table(name)
  await plant.engine.with((session) => optimize(table, session, { nowMs: Date.now(), carry }))
}
