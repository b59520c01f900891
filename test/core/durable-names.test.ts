import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DataFolder, LocalObjectStore } from '../../src/core/index.ts'
import { EmbeddedLog } from '../../src/log/index.ts'
import { DurableNames } from '../faults/failing-io/durable-names.ts'

/** Folders are flushed after a name in them is given, and before success is told. */
let root: string
let names: DurableNames

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pinflow-names-'))
  names = new DurableNames(root)
  names.install()
})
afterEach(async () => {
  names.uninstall()
  await rm(root, { recursive: true, force: true })
})

const content = Buffer.from('content')

test('what is watched here is seen: a name whose folder is not flushed', async () => {
  writeFileSync(join(root, 'file'), content)
  expect(names.unflushed()).toEqual(['/file'])
})

test('an object that is put has its name on disk, and so have its folders', async () => {
  const store = new LocalObjectStore(join(root, 'lake'))
  await store.putIfAbsent('a/b/first', content)
  expect(names.unflushed()).toEqual([])
  await store.putIfAbsent('a/b/second', content)
  expect(names.unflushed()).toEqual([])
  await store.put('a/b/second', Buffer.from('other'))
  expect(names.unflushed()).toEqual([])
  await store.put('a/c/third', content)
  expect(names.unflushed()).toEqual([])
})

test('an object that another process has put, and perhaps not flushed, is on disk once it is told of', async () => {
  const store = new LocalObjectStore(join(root, 'lake'))
  await store.putIfAbsent('a/first', content)
  writeFileSync(join(root, 'lake', 'a', 'second'), content)
  expect(names.unflushed()).toEqual(['/lake/a/second'])
  expect(await store.putIfAbsent('a/second', content)).toBe(false)
  expect(names.unflushed()).toEqual([])
})

test('folders that a process made which died before they were flushed are on disk with what is put into them', async () => {
  mkdirSync(join(root, 'lake', 'a', 'b'), { recursive: true })
  await new LocalObjectStore(join(root, 'lake')).putIfAbsent('a/b/first', content)
  expect(names.unflushed()).toEqual([])
})

test('a file that was written in place is on disk with its name', async () => {
  const store = new LocalObjectStore(join(root, 'tables'))
  writeFileSync(await store.localPath('t/data.parquet'), content)
  expect(names.unflushed()).toEqual(['/tables/t/data.parquet'])
  await store.sync('t/data.parquet')
  expect(names.unflushed()).toEqual([])
})

test('a data folder and the folders that were made for it are on disk once it is open', async () => {
  const folder = await DataFolder.open(join(root, 'a', 'b', 'c'))
  expect(names.unflushed((name) => name.startsWith('lock'))).toEqual([])
  await folder.close()
})

test('the segments and the catalog of a log are on disk before a record in them is acknowledged', async () => {
  const folder = join(root, 'log')
  const options = { recordBytesMax: 10_000, segmentBytes: 20_000, segmentAgeMs: 3_600_000, freeBytesMin: 0 }
  const log = await EmbeddedLog.open(folder, options)
  const isLock = (name: string) => name.endsWith('-lock')
  expect(names.unflushed(isLock)).toEqual([])
  await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
  expect(names.unflushed(isLock)).toEqual([])
  for (let count = 0; count < 12; count++) {
    const value = Buffer.alloc(6_000, 'x')
    await log.append({ topic: 't', partition: 0, records: [{ key: null, value }] })
    expect(names.unflushed(isLock)).toEqual([])
  }
  const segments = readdirSync(join(folder, 'segments')).filter((name) => name.endsWith('.lmdb'))
  expect(segments.length).toBeGreaterThan(2)
  expect(await log.retain({ ageMs: -1, bytesMax: null }, () => Number.POSITIVE_INFINITY)).toBeGreaterThan(0)
  expect(names.undead('/log/segments').filter((name) => !isLock(name))).toEqual([])
  await log.close()
})
