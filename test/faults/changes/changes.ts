/**
 * Definitions, tables and topics changed while records come in, the platform killed in the midst of it or not: what goes
 * on says so, what stands still says so, and in the end every record is where it belongs.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load, randomOf } from '../../e2e/load.ts'
import { Broken, type Campaign, type Outcome } from '../campaign.ts'
import { changesOf, type PlannedChange, runs } from './changes-of-run.ts'
import { checkEverything } from './checks.ts'
import { Site } from './site.ts'

const datasets = ['pin', 'geo', 'user'] as const
const clients = 2
/** What comes must be cleaned as well: a flood is another campaign's. */
const pauseMs = 20
/** Within this a client has posted to every topic. */
const patienceMs = 30_000

/** Something asked of a platform under load, which may not live to answer. */
interface Change {
  ask: () => Promise<unknown>
  /** The dataset is given another definition before. */
  redefines?: boolean
  /** Clients go on posting to it: they are refused while it is gone, and make it anew where their door does. */
  deletes?: string
}

function changeOf(
  site: Site,
  dataset: string,
  { kind, door }: PlannedChange,
  random: (limit: number) => number,
): Change {
  const rebuild = () => site.ask('rebuild', { dataset })
  if (kind === 'rebuild') return { ask: rebuild }
  if (kind === 'changed definition, rebuild') return { redefines: true, ask: rebuild }
  if (kind === 'restore') {
    const share = random(100) / 100
    return { ask: () => restoreSome(site, dataset, share) }
  }
  const topic = door === 'kafka' ? `demo.${dataset}` : `streaming-demo-${dataset}`
  return { deletes: topic, ask: () => site.ask('deleteTopic', { topic, confirm: topic }) }
}

/** Restore to the epoch of one of the newest commits. */
async function restoreSome(site: Site, dataset: string, share: number): Promise<unknown> {
  const commits = await site.ask('history', { table: `stream.${dataset}`, limit: 50 })
  const { commitInfo } = commits[Math.floor(share * commits.length)] ?? {}
  const { epoch = 0 } = (commitInfo?.pinflow ?? {}) as { epoch?: number }
  return site.ask('restore', { dataset, toEpoch: epoch })
}

async function burst(load: Load, gatewayUrl: string, milliseconds: number): Promise<void> {
  load.start(gatewayUrl, clients, pauseMs)
  await sleep(milliseconds)
  await load.stop()
}

/** Clients go on until one has found that a topic is gone, or has made it again. */
async function afterDeletion(site: Site, load: Load, topic: string): Promise<void> {
  const refused = load.gone
  const deadline = performance.now() + patienceMs
  for (;;) {
    const known = await site.ask('topics', {})
    if (load.gone > refused || known.some(({ name }) => name === topic)) return
    if (performance.now() > deadline) {
      await load.stop()
      throw new Broken(`nobody noticed that ${topic} is deleted`)
    }
    await sleep(20)
  }
}

async function run(seed: number): Promise<Outcome> {
  const random = randomOf(seed)
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-changes-'))
  const site = await Site.make(folder)
  const load = await Load.open(randomOf(seed + 1))
  const faults: Record<string, number> = {}
  const count = (kind: string) => {
    faults[kind] = (faults[kind] ?? 0) + 1
  }
  try {
    for (const planned of changesOf(seed)) {
      const { kind, killed } = planned
      const dataset = datasets[random(datasets.length)] ?? 'pin'
      const { redefines, ask, deletes } = changeOf(site, dataset, planned, random)
      let { gatewayUrl } = await site.start()
      await burst(load, gatewayUrl, 200 + random(300))
      if (random(2) === 0) await site.runBatch()
      if (redefines) {
        await site.stop()
        await site.changeDefinition(dataset)
        gatewayUrl = (await site.start()).gatewayUrl
        await burst(load, gatewayUrl, 200)
        await site.expectStandsStill(dataset)
      }
      if (deletes !== undefined) load.mayBeGone.add(deletes)
      load.start(gatewayUrl, clients, pauseMs)
      const asked = ask().then(
        () => undefined,
        (error: unknown) => (site.isDead ? undefined : Promise.reject(error)),
      )
      count(killed ? `${kind}, killed` : kind)
      await Promise.race([sleep(random(500)), asked])
      if (killed) await site.kill()
      await asked
      // Clients have met the topic while it was gone, or made it anew.
      if (deletes !== undefined && !killed) await afterDeletion(site, load, deletes)
      await load.stop()
      if (!killed) await site.stop()
      load.mayBeGone.clear()
    }
    const { gatewayUrl } = await site.start()
    await load.drain(gatewayUrl)
    await site.putRight(datasets)
    const records = await checkEverything(site, load, datasets)
    return { faults, records }
  } finally {
    await load.stop().catch(() => undefined)
    await site.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

export const changes: Campaign = { name: 'changes', runs, budgetSeconds: 420, run }
