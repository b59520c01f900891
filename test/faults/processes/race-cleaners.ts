/**
 * `node race-cleaners.ts FOLDER`: takes and lands what a data folder's log holds, and lets two cleaners at once clean
 * every table, from their first commit on side by side. Prints how many commits each made, and how many of each were
 * another's already.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CleaningPath, cleaningPaths, DatasetCleaner } from '../../../src/clean/index.ts'
import { openPipeline } from '../../../src/cli/settings.ts'
import { LocalObjectStore, loadConfig, Turns } from '../../../src/core/index.ts'
import { EpochLog, EpochReader, Sequencer } from '../../../src/lake/index.ts'
import type { Dataset } from '../../../src/pipeline/index.ts'
import { Platform } from '../../../src/platform/index.ts'

/** What a cleaner waits for the other to come to its first commit of a table. */
const patienceMs = 2_000

/** Counts a cleaner's commits of tables. */
class CountingStore extends LocalObjectStore {
  commits = 0
  beaten = 0
  /** Before a commit. */
  meet: () => Promise<unknown> = async () => undefined

  override async putIfAbsent(key: string, content: Uint8Array): Promise<boolean> {
    const isCommit = /_delta_log\/\d{20}\.json$/.test(key)
    if (isCommit) await this.meet()
    const done = await super.putIfAbsent(key, content)
    if (!isCommit) return done
    if (done) this.commits++
    else this.beaten++
    return done
  }
}

const data = process.argv[2]!
const settings = await loadConfig({ environment: process.env, flags: { data }, folder: data })
const pipeline = await openPipeline(settings)
const logger = { fatal() {}, error() {}, warn() {}, info() {} } as never
const platform = await Platform.open({ config: settings.config, pipeline, logger })
const { log, lake, epochs, landing, engine, folder } = platform
const sequencer = new Sequencer(log, epochs, { ...settings.config, topics: ['*'] })

while (await sequencer.step(true));
let landed = await landing.newest()
for (const land of await epochs.landsAfter(landed)) {
  await landing.land(await epochs.landEntry(land), log)
  landed = land
}

const stores = [new CountingStore(folder.path('tables')), new CountingStore(folder.path('tables'))]

async function openCleaner(dataset: Dataset, path: CleaningPath, which: number): Promise<DatasetCleaner> {
  const indexFolder = join(folder.path('tmp'), String(which))
  await mkdir(indexFolder, { recursive: true })
  const own = await EpochLog.open(lake, pipeline.name)
  return DatasetCleaner.open({
    dataset,
    datasets: pipeline.datasets,
    path,
    epochs: own,
    reader: new EpochReader({ log, lake, landing, epochs: own }),
    landed: () => landed,
    engine,
    tables: stores[which]!,
    indexFolder,
    temporaryFolder: folder.path('tmp'),
    // So small that there is more than one.
    limits: { recordsMax: path === 'stream' ? 40 : 400, bytesMax: 2 ** 20 },
    turns: new Turns(),
    onWarning: () => undefined,
  })
}

async function race(dataset: Dataset, path: CleaningPath): Promise<void> {
  const come = stores.map(() => Promise.withResolvers<void>())
  const all = Promise.all(come.map(({ promise }) => promise))
  await Promise.all(
    stores.map(async (store, which) => {
      store.meet = () => {
        come[which]!.resolve()
        return Promise.race([all, sleep(patienceMs)])
      }
      const cleaner = await openCleaner(dataset, path, which)
      while (await cleaner.step());
      // It may have found nothing to do.
      come[which]!.resolve()
      await cleaner.close()
    }),
  )
}

for (const dataset of pipeline.datasets) for (const path of cleaningPaths) await race(dataset, path)
await platform.abandon()
console.log(JSON.stringify(stores.map(({ commits, beaten }) => ({ commits, beaten }))))
