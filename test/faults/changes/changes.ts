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
import { checkEverything } from './checks.ts'
import { Site } from './site.ts'

const datasets = ['pin', 'geo', 'user'] as const
const topicsOf = (dataset: string): string[] => [`demo.${dataset}`, `streaming-demo-${dataset}`]

/** Something asked of a platform under load, which may not live to answer. */
interface Change {
  kind: string
  /** Prepare it while the platform is down. */
  before?: () => Promise<void>
  ask: (site: Site) => Promise<unknown>
  /** Nobody posts meanwhile: doors would answer 404. */
  quiet?: boolean
}

function changeOf(site: Site, dataset: string, random: (limit: number) => number): Change {
  switch (random(4)) {
    case 0:
      return { kind: 'rebuild', ask: () => site.ask('rebuild', { dataset }) }
    case 1:
      return {
        kind: 'changed definition, rebuild',
        before: () => site.changeDefinition(dataset),
        ask: async () => {
          await site.expectStandsStill(dataset)
          return site.ask('rebuild', { dataset })
        },
      }
    case 2:
      return {
        kind: 'restore',
        ask: async () => {
          const commits = await site.ask('history', { table: `stream.${dataset}`, limit: 50 })
          const { commitInfo } = commits[random(commits.length)] ?? {}
          const { epoch = 0 } = (commitInfo?.pinflow ?? {}) as { epoch?: number }
          return site.ask('restore', { dataset, toEpoch: epoch })
        },
      }
    default: {
      const topic = topicsOf(dataset)[random(2)] ?? ''
      return {
        kind: 'topic deleted',
        quiet: true,
        ask: () => site.ask('deleteTopic', { topic, confirm: topic }),
      }
    }
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
    for (let change = 0; change < 2; change++) {
      const dataset = datasets[random(datasets.length)] ?? 'pin'
      const { kind, before, ask, quiet } = changeOf(site, dataset, random)
      load.start((await site.start()).gatewayUrl, 3)
      await sleep(200 + random(500))
      if (random(2) === 0) await site.runBatch()
      if (before) {
        await load.stop()
        await site.stop()
        await before()
        load.start((await site.start()).gatewayUrl, 3)
      }
      if (quiet) await load.stop()
      const asked = ask(site).then(
        () => 'done',
        (error: unknown) => (site.isDead ? 'cut off' : Promise.reject(error)),
      )
      const kill = random(4) > 0
      count(kill ? `${kind}, killed` : kind)
      if (kill) {
        await Promise.race([sleep(random(500)), asked])
        await site.kill()
      }
      await asked
      await load.stop()
      if (!kill) await site.stop()
    }
    const { gatewayUrl } = await site.start()
    await load.drain(gatewayUrl)
    await site.putRight(datasets)
    const records = await checkEverything(site, load, datasets)
    return { faults, records }
  } catch (error) {
    throw error instanceof Error ? error : new Broken(String(error))
  } finally {
    await load.stop().catch(() => undefined)
    await site.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

export const changes: Campaign = { name: 'changes', runs: 10, budgetSeconds: 100, run }
