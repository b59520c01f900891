import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../../src/platform/index.ts'
import { jsonLines, pinflow, pinflowJson } from './pinflow.ts'
import { canMount, mountedVolume, reservedVolume, type SmallVolume } from './small-volume.ts'

const mounted = canMount()
const where = mounted ? 'a volume of 40 MiB' : "the log's reserve, for no mount is allowed here"

let volume: SmallVolume

beforeAll(async () => {
  volume = await (mounted ? mountedVolume() : reservedVolume())
})

afterAll(async () => {
  await volume.server.stop()
  await volume.remove()
})

let sent = 0

/** Post fifty pins of their own. */
async function post() {
  const indexes = Array.from({ length: 50 }, () => sent++)
  const records = indexes.map((index) => ({ value: { index, title: 'x'.repeat(1_200), category: 'art' } }))
  const response = await fetch(`${volume.server.gatewayUrl}/topics/demo.pin`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
    body: JSON.stringify({ records }),
  })
  return { status: response.status, headers: response.headers, body: await response.text(), indexes }
}

const inFolder = () => ({ before: volume.before })

test(`a full disk (${where}): 503 and nothing acknowledged; with space again it goes on by itself`, async () => {
  const acknowledged: number[] = []
  volume.leave(5 * 2 ** 20)
  const refusals: Awaited<ReturnType<typeof post>>[] = []
  while (refusals.length < 3) {
    const posted = await post()
    if (posted.status === 200) acknowledged.push(...posted.indexes)
    else refusals.push(posted)
    // What fails for want of space gives back what it had written: that is filled as well.
    if (refusals.length > 0) volume.leave(0)
  }
  expect(acknowledged.length).toBeGreaterThan(0)
  for (const { status, headers, body } of refusals) {
    expect(status).toBe(503)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(JSON.parse(body)).toEqual({
      error_code: 50_302,
      message: 'The log has no space left; send again later.',
    })
  }

  volume.free()
  const untilMs = Date.now() + 120_000
  let last = await post()
  while (last.status !== 200) {
    expect(Date.now()).toBeLessThan(untilMs)
    await sleep(100)
    last = await post()
  }
  acknowledged.push(...last.indexes)

  const report = await pinflowJson<Report>(['run', 'batch', '--data', volume.data], inFolder())
  expect(report.verify).toMatchObject({ ok: true })
  const args = ['consume', 'demo.pin', '--from-beginning', '--json', '--data', volume.data]
  const { stdout } = await pinflow(args, inFolder())
  const inLog = jsonLines(stdout).map(({ value }) => (JSON.parse(String(value)) as { index: number }).index)
  const kept = new Set(inLog)
  expect(acknowledged.filter((index) => !kept.has(index))).toEqual([])
  // What was refused may be in the log all the same, but nothing is there twice, and all of it is in the tables.
  expect(kept.size).toBe(inLog.length)
  const { appended, landed, stream, batch } = report.account.pin!
  const counted = { read: inLog.length, rows: inLog.length, duplicates: 0, quarantined: 0 }
  expect({ appended, landed, stream, batch }).toEqual({
    appended: inLog.length,
    landed: inLog.length,
    stream: counted,
    batch: counted,
  })
})
