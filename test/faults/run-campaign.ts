/** Runs one campaign, for `run.ts`: `node run-campaign.ts NAME SEED RUNS SECONDS` prints a JSON line for each event. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broken, type Outcome } from './campaign.ts'
import { campaigns } from './campaigns.ts'
import { cpuSeconds, killDescendants } from './process-tree.ts'

/** What a campaign's process tells, line by line. */
export type Event =
  | { event: 'unavailable'; reason: string }
  | { event: 'run'; seed: number; outcome: Outcome }
  | { event: 'failure'; seed: number; message: string; lost?: number; double?: number }
  /** `wanted`: how many runs there should have been; undefined where the time alone decides. */
  | { event: 'end'; wanted?: number; cpuSeconds?: number }

const [name = '', seedText, runsText, secondsText] = process.argv.slice(2)
const tell = (event: Event): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

// However it ends, and whatever a campaign had no time to remove.
const temporary = mkdtempSync(join(tmpdir(), `pinflow-${name}-`))
process.env.TMPDIR = temporary
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

// A campaign that has something to remove beside hears of the signal after this.
let ending = false
function endAll(signal: NodeJS.Signals): void {
  if (ending) return
  ending = true
  killDescendants()
  setImmediate(() => process.exit(signal === 'SIGINT' ? 130 : 143))
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, endAll)
// However the process that started this one has ended.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()

const campaign = await campaigns[name]!()
const firstSeed = Number(seedText)
const seconds = Number(secondsText) || campaign.budgetSeconds
// With a time of its own a campaign goes on until that is over.
const isTimed = Number(secondsText) > 0
const runs = Number(runsText) || (isTimed ? Number.MAX_SAFE_INTEGER : campaign.runs)

async function runAll(): Promise<void> {
  const until = performance.now() + seconds * 1_000
  await campaign.open?.()
  try {
    for (let seed = firstSeed; seed < firstSeed + runs && performance.now() < until; seed++) {
      try {
        tell({ event: 'run', seed, outcome: await campaign.run(seed) })
      } catch (error) {
        const { lost, double } = error instanceof Broken ? error : {}
        const counted = { ...(lost !== undefined && { lost }), ...(double !== undefined && { double }) }
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
        tell({ event: 'failure', seed, message, ...counted })
        return
      }
    }
  } finally {
    await campaign.close?.()
  }
}

const reason = await campaign.unavailable?.()
if (reason !== undefined) tell({ event: 'unavailable', reason })
else await runAll()
const spent = cpuSeconds()
tell({
  event: 'end',
  ...(!isTimed && { wanted: runs }),
  ...(spent !== undefined && { cpuSeconds: spent }),
})
