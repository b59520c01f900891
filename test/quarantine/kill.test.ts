/** A replay whose process is killed: whole after each restart, and in the end as if nothing had been. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { ResultOf } from '../../src/api/index.ts'
import { cleaningPaths } from '../../src/clean/index.ts'
import { launch, pinflow, pinflowJson, type Started, start } from '../e2e/pinflow.ts'
import { after, before, sales } from './sales.ts'
import { flags, Stall } from './stall.ts'

const sent = sales()
const badAfter = sent.flatMap(({ after: reason }, offset) => (reason ? [{ offset, reason }] : []))

const env = Object.fromEntries(
  Object.entries(flags).map(([key, value]) => [
    `PINFLOW_${key
      .replace('.', '_')
      .replace(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase()}`,
    String(value),
  ]),
)

test('killed in the middle it is finished by the next, and what was reviewed stays so', async () => {
  const stall = await Stall.make()
  await stall.open(before)
  await stall.send(sent)
  await stall.settle()
  await stall.call('quarantineAck', { reason: 'SQL_FAILED', note: 'half is no number', by: null })
  await stall.close()

  const args = ['--data', stall.data, '--pipeline', after]
  const verify = async () => {
    const { code, stdout, stderr } = await pinflow(['verify', ...args], { env })
    expect({ code, failed: stdout.split('\n').filter((line) => line.startsWith('FAILED')), stderr }).toEqual({
      code: 0,
      failed: [],
      stderr: expect.any(String),
    })
  }
  await verify()
  let server: Started | undefined
  onTestFinished(async () => {
    server?.child.kill('SIGKILL')
    await server?.stop()
  })
  const commits = async (table: string) =>
    (await readdir(join(stall.data, 'tables', table, '_delta_log'))).length
  let cutOff = 0
  // The preview; then each of the commits that a rebuild consists of, but the last.
  for (const table of [undefined, 'quarantine/stream/sale', 'stream/sale', 'quarantine/batch/sale']) {
    const known = table === undefined ? 0 : await commits(table)
    server = await start(args, { env })
    const asked = launch(['quarantine', 'replay', 'sale', '--yes', '--json', ...args], { env })
    const ended = new Promise<number | null>((resolve) => asked.once('close', (code) => resolve(code)))
    const isReached = async () =>
      table === undefined
        ? (await readdir(join(stall.data, 'tmp'))).includes('replay-sale')
        : (await commits(table)) > known
    while (asked.exitCode === null && !(await isReached())) await sleep(2)
    server.child.kill('SIGKILL')
    await server.stop()
    // A signal that came late has let more through than was meant, and the next one has less to do, or nothing.
    if ((await ended) !== 0) cutOff++
    await verify()
  }
  expect(cutOff).toBeGreaterThan(0)
  // What a preview leaves behind is gone with the next start.
  await mkdir(join(stall.data, 'tmp/replay-sale/tables'), { recursive: true })
  await writeFile(join(stall.data, 'tmp/replay-sale/tables/left'), 'behind')
  for (let again = 0; again < 2; again++) {
    type Replayed = ResultOf<'quarantineReplay'>
    const done = await pinflowJson<Replayed>(['quarantine', 'replay', 'sale', '--yes', ...args], { env })
    if (again === 1) expect(done.nothing).toBe(true)
  }
  await verify()

  await stall.open(after)
  expect(await readdir(join(stall.data, 'tmp'))).toEqual(['queries'])
  for (const path of cleaningPaths) expect(await stall.badSales(path)).toEqual(badAfter)
  const { counts } = await stall.call('quarantine', {})
  const failed = sent.filter((sale) => sale.before === 'SQL_FAILED' && sale.after !== undefined)
  expect(failed.length).toBeGreaterThan(0)
  // Bad for another reason now: that was not looked at.
  expect(counts.map(({ reason, reviewed }) => [reason, reviewed])).toContainEqual(['VALUE_INVALID note', 0])
}, 180_000)
