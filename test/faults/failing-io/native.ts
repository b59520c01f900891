import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { EmbeddedLog } from '../../../src/log/index.ts'
import { Broken } from '../campaign.ts'
import type { Failure } from './failing-calls.ts'

const options = { recordBytesMax: 2 ** 20, segmentBytes: 1e9, segmentAgeMs: 1e12, freeBytesMin: 0 }
const timeoutMs = 30_000

/** Why LMDB's own calls cannot be made to fail; undefined: they can. */
export function whyNoStrace(): string | undefined {
  const { status } = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', 'true'])
  return status === 0 ? undefined : 'there is no strace, or it may not trace'
}

/**
 * Let a process append to a log while a call of LMDB's fails: a write, or where what was asked for happens, a flush, also
 * those of new segments. (The first write into a new file is left out: where that fails, lmdb-js 3.5 ends the process.)
 *
 * @returns the number of acknowledged records; undefined when there was no such call
 * @throws Broken when it acknowledged more than is there, went on, hung or died
 */
export async function appendWhileFailing(folder: string, failure: Failure): Promise<number | undefined> {
  const { at, forGood, happens, code } = failure
  const call = happens ? 'fdatasync' : 'pwrite64'
  const trace = `${folder}.trace`
  const log = join(folder, 'log')
  rmSync(folder, { recursive: true, force: true })
  await makeLog(log)
  const inject = `inject=${call}:error=${code}:when=${at}${forGood ? '+' : ''}`
  const segmentBytes = happens ? '10000' : '1e9'
  const script = join(import.meta.dirname, 'native-child.ts')
  const strace = [
    '-f',
    '-qq',
    '-o',
    trace,
    '-e',
    `trace=${call}`,
    '-e',
    inject,
    process.execPath,
    script,
    log,
    segmentBytes,
  ]
  // Calls are counted for each thread: all of LMDB's writing in one.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn('strace', strace, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const [stdout, stderr, [status, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ])
  clearTimeout(timer)
  const isHit = readFileSync(trace, 'utf8').includes('(INJECTED)')
  const lines = stdout.split('\n').filter((line) => line !== '')
  const end = lines.at(-1)
  const told = `it ended with ${signal ?? status}, ${end}: ${stderr}`
  if (!isHit) {
    if (end === 'closed') return undefined
    throw new Broken(`nothing failed, but ${told}`)
  }
  if (status !== 2 || end !== 'failed LOG_FAILED') throw new Broken(`after ${call} failed ${told}`)
  const acknowledged = lines.filter((line) => line.startsWith('ack ')).map((line) => line.split(' '))
  await checkLog(log, new Map(acknowledged.map(([, offset, value]) => [Number(offset), value])))
  return acknowledged.length
}

async function makeLog(folder: string): Promise<void> {
  const log = await EmbeddedLog.open(folder, options)
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  await log.close()
}

/** What was acknowledged is there, and the log goes on. */
async function checkLog(
  folder: string,
  acknowledged: ReadonlyMap<number, string | undefined>,
): Promise<void> {
  const log = await EmbeddedLog.open(folder, options)
  try {
    const found = log.read('t', 0, 0, { records: 1_000, bytes: 1e9 })
    const values = new Map(found.map(({ offset, value }) => [offset, String(value)]))
    for (const [offset, value] of acknowledged)
      if (values.get(offset) !== value) throw new Broken(`offset ${offset} is lost`, { lost: 1 })
    await log.append({ topic: 't', partition: 0, records: [{ key: null, value: Buffer.from('on') }] })
  } finally {
    await log.close()
  }
}
