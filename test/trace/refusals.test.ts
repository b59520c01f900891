import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { RefusalBook, type Refused } from '../../src/refusals/index.ts'
import { failing, openGateway, post } from '../gateway/harness.ts'

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-refusals-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'refusals')
}

const refused = (at: number, more: Partial<Refused> = {}): Refused => ({
  timeMs: 1_700_000_000_000 + at,
  door: 'kafka-rest',
  method: 'POST',
  path: '/topics/a',
  topic: 'a',
  status: 400,
  message: `number ${at}`,
  records: 2,
  ...more,
})

test('what is kept is read back newest first, over a restart, with the beginning of the body', async () => {
  const folder = await folderOf()
  const book = await RefusalBook.open(folder)
  expect(await book.newest()).toEqual([])
  for (let at = 0; at < 5; at++)
    book.note(refused(at, { body: Buffer.from(`{"ind":${at}}${'é'.repeat(4_000)}`) }))
  book.note(refused(5, { body: Buffer.from([0xff, 0xfe]), status: 413, code: 'REQUEST_TOO_LARGE' }))
  await book.close()
  const again = await RefusalBook.open(folder)
  const newest = await again.newest()
  expect(newest.map(({ message }) => message)).toEqual([5, 4, 3, 2, 1, 0].map((at) => `number ${at}`))
  expect(newest[0]?.body).toEqual({ base64: '//4=' })
  const { body } = newest[1]!
  expect(body && 'text' in body && Buffer.byteLength(body.text)).toBeGreaterThan(4_000)
  expect(body && 'text' in body && Buffer.byteLength(body.text)).toBeLessThanOrEqual(4_096)
  expect(again.totals().kinds).toEqual([
    { door: 'kafka-rest', status: 400, refusals: 5, records: 10 },
    { door: 'kafka-rest', status: 413, code: 'REQUEST_TOO_LARGE', refusals: 1, records: 2 },
  ])
  expect(await again.newest(2)).toHaveLength(2)
})

test('files stay below their cap, the newest stay, and every one is counted', async () => {
  const folder = await folderOf()
  const fileBytesMax = 100_000
  const book = await RefusalBook.open(folder, { fileBytesMax })
  const body = Buffer.alloc(10_000, 'x')
  for (let at = 0; at < 1_000; at++) {
    book.note(refused(at, { body }))
    if (at % 10 === 9) await book.flush()
  }
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  expect(names.sort()).toEqual(['before.ndjson', 'refusals.ndjson', 'totals.json'])
  expect(Math.max(...sizes)).toBeLessThanOrEqual(fileBytesMax)
  const newest = await book.newest()
  expect(newest[0]?.message).toBe('number 999')
  expect(newest.length).toBeGreaterThan(15)
  expect(book.totals().kinds).toMatchObject([{ refusals: 1_000, records: 2_000 }])
})

test('more than can be written is counted only, and holds no memory', async () => {
  const book = await RefusalBook.open(await folderOf(), { waitingMax: 10 })
  for (let at = 0; at < 100_000; at++) book.note(refused(at))
  expect(book.totals()).toMatchObject({ kinds: [{ refusals: 100_000 }], notKept: 99_990 })
  expect(await book.newest()).toHaveLength(10)
})

test('a folder that cannot be written, or holds rubbish, breaks nothing', async () => {
  const folder = await folderOf()
  await writeFile(folder, 'a file in its place')
  const book = await RefusalBook.open(folder)
  book.note(refused(0))
  expect(await book.newest()).toEqual([])
  expect(book.totals()).toMatchObject({ kinds: [{ refusals: 1 }], notKept: 1 })
  await rm(folder)
  await mkdir(folder)
  await writeFile(join(folder, 'refusals.ndjson'), 'rubbish\n{"half":')
  await writeFile(join(folder, 'totals.json'), '{')
  const again = await RefusalBook.open(folder)
  again.note(refused(1))
  const newest = await again.newest()
  expect(newest.map(({ message }) => message)).toEqual([])
  again.note(refused(2))
  expect((await again.newest()).map(({ message }) => message)).toEqual(['number 2'])
  expect(await readFile(join(folder, 'refusals.ndjson'), 'utf8')).toContain('number 1')
})

async function gatewayWithNotes(wrap?: Parameters<typeof openGateway>[0]) {
  const notes: Refused[] = []
  const gateway = await openGateway({ ...wrap, onRefused: (one: Refused) => notes.push(one) })
  return { gateway, notes }
}

test('every door tells what it refuses, once, and nothing else', async () => {
  const { gateway, notes } = await gatewayWithNotes()
  const json = 'application/vnd.kafka.json.v2+json'
  expect((await post(`${gateway.url}/topics/a`, { records: [{ value: { ind: 1 } }] }, json)).status).toBe(200)
  expect((await fetch(`${gateway.url}/topics/none`)).status).toBe(404)
  expect(notes).toEqual([])
  await post(`${gateway.url}/topics/a`, { records: [{ value: 1, wrong: 2 }, { value: 2 }] }, json)
  await post(`${gateway.url}/nowhere`, '{}', json)
  await fetch(`${gateway.url}/streams/s/record`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"Data":{"ind":7},"PartitionKey":"p"}',
  })
  expect(notes).toMatchObject([
    { door: 'kafka-rest', method: 'POST', path: '/topics/a', topic: 'a', status: 422, records: 2 },
    { door: 'kafka-rest', path: '/nowhere', status: 404 },
    { door: 'api-gateway', method: 'PUT', topic: 's', status: 400, records: 1 },
  ])
  expect(notes[2]?.body?.toString()).toContain('"ind":7')
})

test('records of a request whose others are taken are told by themselves', async () => {
  const { gateway, notes } = await gatewayWithNotes({ wrap: failing('LOG_FULL', 1) })
  await gateway.log.createTopic('two', { partitions: 2, partitioner: 'kafka' })
  const records = [
    { value: { ind: 1 }, partition: 0 },
    { value: { ind: 2 }, partition: 1 },
  ]
  const { status } = await post(
    `${gateway.url}/topics/two`,
    { records },
    'application/vnd.kafka.json.v2+json',
  )
  expect(status).toBe(200)
  expect(notes).toMatchObject([
    { door: 'kafka-rest', topic: 'two', status: 503, code: 'LOG_FULL', records: 1, path: '/topics/two' },
  ])
  expect(notes[0]?.body?.toString()).toBe('{"ind":2}')
  expect(notes[0]?.message).not.toContain('secret')
})

test('a flood of refused requests is answered as fast with a book as without', async () => {
  const flood = async (onRefused?: (one: Refused) => void) => {
    const gateway = await openGateway({ ...(onRefused && { onRefused }) })
    const body = JSON.stringify({ records: [{ value: 1, wrong: 'x'.repeat(300) }] })
    const headers = { 'content-type': 'application/vnd.kafka.json.v2+json' }
    const started = process.cpuUsage()
    for (let round = 0; round < rounds; round++)
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const { status } = await fetch(`${gateway.url}/topics/a`, { method: 'POST', body, headers })
          expect(status).toBe(422)
        }),
      )
    const { user, system } = process.cpuUsage(started)
    return user + system
  }
  const rounds = Number(process.env.REFUSED_REQUESTS ?? 2_000) / 50
  await flood()
  const without = await flood()
  const folder = await folderOf()
  const book = await RefusalBook.open(folder)
  const withBook = await flood((one) => book.note(one))
  await book.close()
  console.log(
    `${rounds * 50} refused requests: CPU with a book ÷ without = ${(withBook / without).toFixed(2)}`,
  )
  expect(book.totals().kinds).toMatchObject([{ refusals: rounds * 50, records: rounds * 50 }])
  for (const name of await readdir(folder))
    expect((await stat(join(folder, name))).size).toBeLessThanOrEqual(8 * 2 ** 20)
})
