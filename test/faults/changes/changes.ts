/**
 * Definitions, tables and topics changed while records come in, the platform killed in the midst of it or not: what goes
 * on says so, what stands still says so, and in the end every record is where it belongs.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load, randomOf } from '../../e2e/load.ts'
import type { Campaign, Outcome } from '../campaign.ts'
import { checkEverything } from './checks.ts'
import { Site } from './site.ts'

const datasets = ['pin', 'geo', 'user'] as const
const topicsOf = (dataset: string): string[] => [`demo.${dataset}`, `streaming-demo-${dataset}`]

const clients = 2

/** Something asked of a platform under load, which may not live to answer. */
interface Change {
  kind: string
  ask: () => Promise<unknown>
  /** The dataset is given another definition before. */
  redefines?: boolean
  /** Nobody posts meanwhile: doors would answer 404. */
  quiet?: boolean
}

function changeOf(site: Site, dataset: string, random: (limit: number) => number): Change {
  const rebuild = () => site.ask('rebuild', { dataset })
  switch (random(4)) {
    case 0:
      return { kind: 'rebuild', ask: rebuild }
    case 1:
      return { kind: 'changed definition, rebuild', redefines: true, ask: rebuild }
    case 2: {
      const share = random(100) / 100
      return { kind: 'restore', ask: () => restoreSome(site, dataset, share) }
    }
    default: {
      const topic = topicsOf(dataset)[random(2)] ?? ''
      const ask = () => site.ask('deleteTopic', { topic, confirm: topic })
      return { kind: 'topic deleted', quiet: true, ask }
    }
  }
}

/** Restore to the epoch of one of the newest commits. */
async function restoreSome(site: Site, dataset: string, share: number): Promise<unknown> {
  const commits = await site.ask('history', { table: `stream.${dataset}`, limit: 50 })
  const { commitInfo } = commits[Math.floor(share * commits.length)] ?? {}
  const { epoch = 0 } = (commitInfo?.pinflow ?? {}) as { epoch?: number }
  return site.ask('restore', { dataset, toEpoch: epoch })
}

async function burst(load: Load, gatewayUrl: string, milliseconds: number): Promise<void> {
  load.start(gatewayUrl, clients)
  await sleep(milliseconds)
  await load.stop()
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
    for (let change = 0; change < 2; change++) {
      const dataset = datasets[random(datasets.length)] ?? 'pin'
      const { kind, redefines, ask, quiet } = changeOf(site, dataset, random)
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
      if (!quiet) load.start(gatewayUrl, clients)
      const asked = ask().then(
        () => undefined,
        (error: unknown) => (site.isDead ? undefined : Promise.reject(error)),
      )
      const kill = random(4) > 0
      count(kill ? `${kind}, killed` : kind)
      await Promise.race([sleep(random(500)), asked])
      if (kill) await site.kill()
      await load.stop()
      await asked
      if (!kill) await site.stop()
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

export const changes: Campaign = { name: 'changes', runs: 10, budgetSeconds: 240, run }
