import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { descendantsOf } from '../faults/process-tree.ts'

const script = join(import.meta.dirname, '..', 'faults', 'run.ts')

/** Campaigns that are at work, with a platform that one of them has started. */
async function startedCampaigns() {
  const runner = spawn(process.execPath, [script, '--only', 'overload', '--runs', '1'], { stdio: 'ignore' })
  const ended = once(runner, 'close') as Promise<[number | null, string | null]>
  let started: number[] = []
  while (started.length < 2) {
    expect(runner.exitCode).toBeNull()
    await sleep(50)
    started = descendantsOf(runner.pid!)
  }
  return { runner, ended, started }
}

/** Until the system has forgotten the last of them. */
async function allGone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => existsSync(`/proc/${pid}`))) await sleep(20)
}

test.skipIf(process.platform !== 'linux')(
  'campaigns that are asked to end leave nothing running',
  async () => {
    const { runner, ended, started } = await startedCampaigns()
    runner.kill('SIGTERM')
    expect(await ended).toEqual([143, null])
    await allGone(started)
  },
)

test.skipIf(process.platform !== 'linux')('campaigns end when nobody waits for them any more', async () => {
  const { runner, ended, started } = await startedCampaigns()
  runner.kill('SIGKILL')
  await ended
  await allGone(started)
})

test.skipIf(process.platform !== 'linux')(
  'what a process has started ends, and what that has started',
  async () => {
    const tree = join(import.meta.dirname, '..', 'faults', 'process-tree.ts')
    const program = `
    import { spawn } from 'node:child_process'
    import { killDescendants } from ${JSON.stringify(tree)}
    spawn('sh', ['-c', 'sleep 1000 & sleep 1000'], { stdio: 'ignore' })
    process.stdin.once('data', () => {
      killDescendants()
      process.exit()
    })`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    const ended = once(parent, 'close')
    let started: number[] = []
    while (started.length < 3) {
      await sleep(20)
      started = descendantsOf(parent.pid!)
    }
    parent.stdin!.write('end')
    await ended
    await allGone(started)
  },
)
