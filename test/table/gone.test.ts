import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DeltaTable } from '../../src/table/index.ts'
import { create, fakeAdd, info, useBench } from './support.ts'

const bench = useBench()
const folderOf = (table: DeltaTable) => join(bench.root, 'store', table.prefix)

async function filled(versions: number): Promise<DeltaTable> {
  const table = bench.table()
  await create(table)
  for (let version = 1; version <= versions; version++)
    await table.commit(version, [info(), { add: fakeAdd(`v${version}`) }])
  return table
}

test('a table that was deleted or put back from an older copy is what is there, not what was remembered', async () => {
  const table = await filled(2)
  await cp(folderOf(table), join(bench.root, 'older'), { recursive: true })
  await table.commit(3, [info(), { add: fakeAdd('v3') }])
  expect((await table.snapshot())?.version).toBe(3)
  await rm(folderOf(table), { recursive: true })
  expect(await table.snapshot()).toBeUndefined()
  await cp(join(bench.root, 'older'), folderOf(table), { recursive: true })
  expect((await table.snapshot())?.version).toBe(2)
  expect(await table.commit(3, [info(), { add: fakeAdd('other') }])).toBe(true)
  expect([...(await table.snapshot())!.files.keys()].filter((path) => path.includes('v3'))).toEqual([])
})

test('a table that is forgotten can be made anew, and cut off in between it does not read as an older version', async () => {
  const table = await filled(3)
  await table.checkpoint(2)
  const deleted = bench.store.delete.bind(bench.store)
  for (let deletes = 1; ; deletes++) {
    let left = deletes
    bench.store.delete = (key) => (left-- > 0 ? deleted(key) : Promise.reject(new Error('cut off')))
    const isWhole = await table.forget().then(
      () => true,
      () => false,
    )
    bench.store.delete = deleted
    if (isWhole) break
    // Without its checkpoints it is whole still.
    const version = await table.snapshot().then(
      (snapshot) => snapshot?.version,
      (error: { code?: string }) => error.code,
    )
    expect([3, 'TABLE_DAMAGED']).toContain(version)
  }
  expect(await table.snapshot()).toBeUndefined()
  await create(table)
  expect((await table.snapshot())?.version).toBe(0)
})
