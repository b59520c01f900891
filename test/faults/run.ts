/**
 * `npm run test:faults`: every campaign, three at a time, and the sum of what they did and proved. Options after `--`:
 *
 *     --only NAME[,NAME]   only these campaigns
 *     --seed N             first seed (a failure names the seed that shows it again)
 *     --runs N             runs of each campaign, instead of a build's
 *     --minutes N          each campaign goes on for so long, instead of a build's runs
 *
 * Exit code 1 when a promise did not hold, or a campaign had no time for all its runs. What a machine cannot do is
 * printed with the reason, and counted as skipped.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { campaigns } from './campaigns.ts'
import { Report } from './report.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string' },
    runs: { type: 'string', default: '0' },
    minutes: { type: 'string', default: '0' },
  },
})

/** Waits for most of its time, and takes longest: whenever it can go on, the others let it. */
const first = 'processes'
const niceness = 5

/** Campaigns at a time: more than a small machine has cores, for some wait for disks and clocks most of their time. */
const lanes = 3
const names = values.only?.split(',') ?? Object.keys(campaigns)
const unknown = names.find((name) => !Object.hasOwn(campaigns, name))
if (unknown !== undefined) {
  console.error(`there is no campaign ${unknown}, but ${Object.keys(campaigns).join(', ')}`)
  process.exit(1)
}
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000)
const report = new Report(firstSeed)
console.log(`seeds from ${firstSeed}`)

const running = new Set<ChildProcess>()
let endedBy: NodeJS.Signals | undefined
/** How long campaigns have to let go of what they hold. */
const endingMs = 20_000
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)

function end(signal: NodeJS.Signals): void {
  endedBy ??= signal
  for (const child of running) child.kill(signal)
  setTimeout(() => {
    for (const child of running) child.kill('SIGKILL')
  }, endingMs).unref()
}

async function runCampaign(name: string): Promise<void> {
  const script = join(import.meta.dirname, 'run-campaign.ts')
  const seconds = String(Number(values.minutes) * 60)
  const args = [script, name, String(firstSeed), values.runs, seconds]
  const child = spawn(process.execPath, args, {
    // By the channel it hears when this process is no more.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  running.add(child)
  if (name !== first && child.pid !== undefined) setPriority(child.pid, niceness)
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  report.begin(name)
  for await (const line of createInterface({ input: child.stdout! })) report.take(name, line)
  const [code, signal] = await closed
  running.delete(child)
  const ended = endedBy ? `stopped by ${endedBy}` : `its process ended with ${signal ?? code}`
  report.end(name, code === 0 ? undefined : ended)
}

const waiting = [...names]
async function lane(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined && !endedBy; name = waiting.shift())
    await runCampaign(name)
}
await Promise.all(Array.from({ length: lanes }, lane))
const passed = report.print()
if (endedBy) process.exit(endedBy === 'SIGINT' ? 130 : 143)
process.exitCode = passed ? 0 : 1
