import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { LocalObjectStore } from '../../../src/core/index.ts'
import { MemoryStore } from '../../contract/memory-store.ts'
import { describeObjectStore } from '../../contract/object-store.ts'
import { mountVolume } from '../../volume.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'store-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

describeObjectStore('local folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'store-'))
  return {
    store: new LocalObjectStore(root),
    another: () => new LocalObjectStore(`${root}/`),
    remove: () => rm(root, { recursive: true }),
  }
})

describeObjectStore('memory (of these tests)', async () => {
  const store = new MemoryStore()
  return { store, another: () => new MemoryStore(undefined, store.objects), remove: async () => undefined }
})

test('puts of a process that died are not seen, and recovery removes them and nothing else', async () => {
  const root = await temporaryFolder()
  const store = new LocalObjectStore(root)
  const names = ['.put-x', '.put-x/partition=0/.put-x+0+0000000000.json', 'a/b', '.hidden/c']
  for (const name of names.slice(1)) await store.put(`k/${name}`, Buffer.from(name))
  const left = ['k/.put~1', 'k/a/.put~2', '.put~3']
  for (const name of left) await writeFile(join(root, name), 'unfinished')
  const before = await store.list('k/')
  expect(before.map(({ key }) => key)).toEqual(
    names
      .slice(1)
      .map((name) => `k/${name}`)
      .sort(),
  )
  await new LocalObjectStore(root).recover()
  expect(await store.list('k/')).toEqual(before)
  for (const name of left) await expect(readFile(join(root, name))).rejects.toThrow('ENOENT')
})

test('recovery of a folder that is not there does nothing', async () => {
  const root = join(await temporaryFolder(), 'none')
  await new LocalObjectStore(root).recover()
})

test('no put leaves anything but its object', async () => {
  const root = await temporaryFolder()
  const store = new LocalObjectStore(root)
  await store.putIfAbsent('a/b', Buffer.from('1'))
  await store.putIfAbsent('a/b', Buffer.from('2'))
  await store.put('a/b', Buffer.from('3'))
  await mkdir(join(root, 'a/folder'))
  await expect(store.put('a/folder', Buffer.from('4'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(readdirSync(join(root, 'a')).sort()).toEqual(['b', 'folder'])
})

test('a folder deleted by hand is made again by the put after the one that failed', async () => {
  const root = await temporaryFolder()
  const store = new LocalObjectStore(root)
  await store.put('a/b/c', Buffer.from('1'))
  await rm(join(root, 'a'), { recursive: true })
  await expect(store.put('a/b/c', Buffer.from('2'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await store.put('a/b/c', Buffer.from('3'))
  expect(String(await store.get('a/b/c'))).toBe('3')
})

test('what engines write at a local path is an object', async () => {
  const store = new LocalObjectStore(await temporaryFolder())
  await writeFile(await store.localPath('table/part/x.parquet'), 'rows')
  await store.sync('table/part/x.parquet')
  expect(String(await store.get('table/part/x.parquet'))).toBe('rows')
  await expect(store.sync('table/none')).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

test('what stands in the way is told with the key and the folder', async () => {
  const root = await temporaryFolder()
  await writeFile(join(root, 'file'), 'in the way')
  const store = new LocalObjectStore(root)
  const failed = store.put('file/child', Buffer.from('x'))
  await expect(failed).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringMatching(new RegExp(`put file/child in ${root}: .*(EEXIST|ENOTDIR)`)),
  })
})

test('an object that cannot be looked at is an error of the list, not an absence', async () => {
  const root = await temporaryFolder()
  const store = new LocalObjectStore(root)
  await store.put('a/1', Buffer.from('x'))
  await symlink('2', join(root, 'a/2'))
  await expect(store.list('a/')).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

const volume = mountVolume('size=1m,nr_inodes=20')
afterAll(() => volume?.remove())

test.skipIf(!volume)(
  'a full tmpfs is STORE_FULL, by bytes or by files, and puts go on once there is space',
  async () => {
    const store = new LocalObjectStore(join(volume!.path, 'store'))
    await store.put('a/kept', Buffer.from('kept'))
    writeFileSync(join(volume!.path, 'ballast'), Buffer.alloc(900_000))
    for (const put of [
      () => store.put('a/x', Buffer.alloc(500_000)),
      () => store.putIfAbsent('a/y', Buffer.alloc(500_000)),
    ])
      await expect(put()).rejects.toMatchObject({ code: 'STORE_FULL', retriable: true })
    expect((await store.list('a/')).map(({ key }) => key)).toEqual(['a/kept'])
    expect(readdirSync(join(volume!.path, 'store/a'))).toEqual(['kept'])
    rmSync(join(volume!.path, 'ballast'))
    expect(await store.putIfAbsent('a/y', Buffer.alloc(500_000))).toBe(true)
    const names = Array.from({ length: 20 }, (_, at) => `many/${at}/x`)
    const puts = await Promise.allSettled(names.map((name) => store.put(name, Buffer.from('x'))))
    const refused = puts.filter((put) => put.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'STORE_FULL' })
    expect(String(await store.get('a/kept'))).toBe('kept')
  },
)
