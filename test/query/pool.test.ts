/** Query processes: who waits, who is ended, and what of a platform they hold. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Server, secret } from './server.ts'

const endless = 'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1'
const normal = 'SELECT count(*) AS n FROM batch.geo'
/** Generous: the machine may be busy. */
const patienceMs = 10_000

let server: Server
const start = async (timeoutMs = 20_000) => {
  server = await Server.start({ PINFLOW_QUERY_TIMEOUT_MS: String(timeoutMs) })
}
afterEach(async () => {
  if (!server.alive) await start()
})
beforeAll(() => start())
afterAll(() => server.stop())

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!holds() && performance.now() < deadline) await sleep(20)
  expect(holds()).toBe(true)
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function expectNormal(): Promise<void> {
  const { rows, text } = await server.ask(normal)
  expect(rows, text).toEqual([{ n: 3 }])
}

test('two are answered at a time, others wait in order, and beyond sixteen they are put off', async () => {
  const leaving = [new AbortController(), new AbortController()]
  const hogs = leaving.map(({ signal }) => server.ask(endless, signal).catch(() => undefined))
  await until(() => server.children().length === 2)
  const order: number[] = []
  const waiting = Array.from({ length: 16 }, async (_, at) => {
    // Requests reach the platform one after another.
    await sleep(at * 100)
    const { rows } = await server.ask(`SELECT ${at} AS n`)
    order.push(at)
    return rows
  })
  await sleep(16 * 100 + 1_000)
  const { error } = await server.ask(normal)
  expect(error).toEqual({ code: 'OVERLOADED', message: '16 queries wait for their turn already' })
  expect(server.children()).toHaveLength(2)
  // One goes on, so that the others are answered one after another.
  leaving[0]?.abort()
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 16 }, (_, n) => [{ n }]))
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  leaving[1]?.abort()
  await Promise.all(hogs)
  await until(() => server.children().length === 1)
})

test('a query that nobody waits for ends within a second, also one that is deaf', async () => {
  for (const sql of [endless, "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))"]) {
    const leaving = new AbortController()
    const asked = server.ask(sql, leaving.signal).catch(() => undefined)
    await until(() => server.children().length === 1)
    const [child = 0] = server.children()
    const ticks = () => Number(readFileSync(`/proc/${child}/stat`, 'utf8').split(' ')[13])
    await until(() => ticks() > 20)
    leaving.abort()
    await asked
    await sleep(1_000)
    // It is gone, or has nothing to do.
    const before = isAlive(child) ? ticks() : 0
    await sleep(500)
    expect(isAlive(child) ? ticks() - before : 0).toBeLessThan(20)
    await expectNormal()
  }
})

test('a process that is killed is told, and replaced', async () => {
  await expectNormal()
  const asked = server.ask(endless)
  await sleep(500)
  for (const child of server.children()) process.kill(child, 'SIGSEGV')
  const { error } = await asked
  expect(error?.code).toBe('QUERY_ENGINE_ENDED')
  expect(error?.message).toBe('the query ended the SQL engine (SIGSEGV); the platform is unharmed')
  await expectNormal()
})

test('one that dies while it is idle is nobody’s trouble', async () => {
  await expectNormal()
  const [child = 0] = server.children()
  process.kill(child, 'SIGKILL')
  await until(() => !isAlive(child))
  await expectNormal()
})

test('a client that takes no rows holds no process beyond the deadline', async () => {
  await server.stop()
  await start(1_500)
  const leaving = new AbortController()
  const rows = "SELECT repeat('x', 10000) AS s FROM range(6000)"
  await Promise.all([0, 1].map(() => server.open(rows, leaving.signal)))
  await sleep(1_500 + 1_000)
  await expectNormal()
  leaving.abort()
  await server.stop()
})

test('it ends with the platform, though that is killed while a query runs', async () => {
  const asked = server.ask(endless).catch(() => undefined)
  await until(() => server.children().length === 1)
  await sleep(500)
  const [child = 0] = server.children()
  expect(isAlive(child)).toBe(true)
  server.kill()
  await asked
  await until(() => !isAlive(child))
  await server.stop()
})

test('a platform that stops does not wait for a query', async () => {
  const asked = server.ask(endless).catch(() => undefined)
  await until(() => server.children().length === 1)
  const [child = 0] = server.children()
  const begin = performance.now()
  expect(await server.stop()).toBe(0)
  expect(performance.now() - begin).toBeLessThan(patienceMs)
  await asked
  expect(isAlive(child)).toBe(false)
})

describe.runIf(process.platform === 'linux')('on Linux', () => {
  test('a query process holds nothing of the platform: no environment, no files, no core dumps', async () => {
    await expectNormal()
    const [child = 0] = server.children()
    const of = (name: string) => readFileSync(`/proc/${child}/${name}`, 'utf8')
    expect(of('environ')).not.toContain(secret)
    const names = of('environ')
      .split('\0')
      .map((entry) => entry.split('=')[0])
    expect(new Set(names)).toEqual(new Set(['TZ', 'MALLOC_ARENA_MAX', 'NODE_COMPILE_CACHE', 'PWD', '']))
    const held = readdirSync(`/proc/${child}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${child}/fd/${fd}`)
      } catch {
        return ''
      }
    })
    expect(held.filter((path) => path.includes('/data/'))).toEqual([])
    expect(readdirSync(`/proc/${child}/cwd`)).toEqual([])
    expect(of('limits')).toMatch(/Max core file size +0 /)
    const [, dataBytes] = /Max data size +(\d+) /.exec(of('limits')) ?? []
    expect(Number(dataBytes)).toBeLessThan(2 ** 31)
    expect(of('oom_score_adj').trim()).toBe('1000')
    expect(of('stat').split(' ')[18]).toBe('5')
  })

  test('memory that a query took is given back with its process', async () => {
    await expectNormal()
    const [first] = server.children()
    await server.ask("SELECT len(list_transform(range(1000), x -> repeat('x', 200000)))")
    await expectNormal()
    const [second] = server.children()
    expect(second).not.toBe(first)
  })
})
