import { expect, test } from 'vitest'
import { type ObjectStore, PipelineError } from '../../src/core/index.ts'
import { type Action, DeltaTable, type Snapshot } from '../../src/table/index.ts'
import { create, fakeAdd, info, useBench } from './support.ts'

const bench = useBench()

/** The bench's store with one method changed. */
function storeWith(change: Partial<ObjectStore>): ObjectStore {
  return new Proxy<ObjectStore>(bench.store, {
    get: (store, name: keyof ObjectStore) => {
      const method = change[name] ?? store[name]
      return method.bind(store)
    },
  })
}

const failed = () => new PipelineError('STORE_FAILED', 'the connection was lost')

test('of two writers that race, one wins each version, and nothing of the loser is in the table', async () => {
  const first = bench.table()
  await create(first)
  const second = new DeltaTable(bench.store, first.prefix, bench.engine)
  const won = new Set<string>()
  const lost = new Set<string>()
  const attempt = async (table: DeltaTable, version: number, name: string) => {
    const committed = await table.commit(version, [info(), { add: fakeAdd(name) }])
    ;(committed ? won : lost).add(`part-${name}.parquet`)
    return committed
  }
  for (let version = 1; version <= 40; version++) {
    await Promise.all([first.snapshot(), second.snapshot()])
    const both = await Promise.all([
      attempt(first, version, `a${version}`),
      attempt(second, version, `b${version}`),
    ])
    expect(both.filter(Boolean)).toHaveLength(1)
  }
  for (const table of [first, second]) {
    const snapshot = (await table.snapshot())!
    expect(snapshot.version).toBe(40)
    expect(new Set(snapshot.files.keys())).toEqual(won)
    for (const path of lost) expect(snapshot.files.has(path)).toBe(false)
  }
})

test('a commit whose put fails after it succeeded has happened, once', async () => {
  let failures = 0
  const store = storeWith({
    putIfAbsent: async (key, content) => {
      const put = await bench.store.putIfAbsent(key, content)
      if (failures++ === 1) throw failed()
      return put
    },
  })
  const table = bench.table(store)
  await create(table)
  expect(await table.commit(1, [info(), { add: fakeAdd('one') }])).toBe(true)
  expect((await table.snapshot())!.files.size).toBe(1)
  expect(await table.commit(1, [info(), { add: fakeAdd('two') }])).toBe(false)
  expect(await table.history(10)).toHaveLength(2)
})

test('a put that the store tried twice, and that then finds itself, is a commit', async () => {
  const store = storeWith({
    putIfAbsent: async (key, content) => {
      await bench.store.putIfAbsent(key, content)
      return bench.store.putIfAbsent(key, content)
    },
  })
  const table = bench.table(store)
  await create(table)
  expect(await table.commit(1, [info()])).toBe(true)
})

test('a put that fails and left nothing throws what the store threw, and the same version can be tried again', async () => {
  let broken = false
  const store = storeWith({
    putIfAbsent: async (key, content) => {
      if (broken) throw failed()
      return bench.store.putIfAbsent(key, content)
    },
  })
  const table = bench.table(store)
  await create(table)
  broken = true
  await expect(table.commit(1, [info()])).rejects.toMatchObject({ code: 'STORE_FAILED' })
  broken = false
  expect((await table.snapshot())!.version).toBe(0)
  expect(await table.commit(1, [info()])).toBe(true)
})

test('a commit tried again under its own txnId is recognised, also when the table was read in between', async () => {
  const table = bench.table()
  await create(table)
  const own = info('WRITE', { txnId: 'mine' })
  expect(await table.commit(1, [own])).toBe(true)
  expect(await table.commit(1, [own])).toBe(true)
  expect(await table.commit(1, [info('WRITE', { txnId: 'other' })])).toBe(false)
})

test('a failed put that somebody else won is a lost race', async () => {
  const rival = bench.table()
  await create(rival)
  const store = storeWith({
    putIfAbsent: async () => {
      await rival.commit(1, [info('RIVAL')])
      throw failed()
    },
  })
  const table = new DeltaTable(store, rival.prefix, bench.engine)
  expect(await table.commit(1, [info()])).toBe(false)
  expect((await table.commitInfo(1))!.operation).toBe('RIVAL')
})

test('a new snapshot reads only the commits that came after the one before', async () => {
  const read: string[] = []
  const store = storeWith({
    get: async (key) => {
      read.push(key)
      return bench.store.get(key)
    },
  })
  const writer = bench.table()
  await create(writer)
  for (let version = 1; version <= 5; version++) await writer.commit(version, [info(), { add: fakeAdd() }])
  const reader = new DeltaTable(store, writer.prefix, bench.engine)
  const before = (await reader.snapshot())!
  read.length = 0
  await writer.commit(6, [info(), { add: fakeAdd() }])
  const after = (await reader.snapshot())!
  expect(read).toEqual([`${writer.prefix}/_delta_log/00000000000000000006.json`])
  expect([before.version, before.files.size, after.version, after.files.size]).toEqual([5, 5, 6, 6])
  read.length = 0
  expect(await reader.snapshot()).toBe(after)
  expect(read).toEqual([])
})

test('the snapshot a writer keeps after its commit equals the one a stranger reads', async () => {
  const table = bench.table()
  await create(table)
  const add = fakeAdd()
  await table.commit(1, [
    info('WRITE', { account: { read: 3 } }),
    { add },
    { txn: { appId: 'x', version: 4 } },
  ])
  await table.commit(2, [
    info('DELETE'),
    { remove: { path: add.path, dataChange: true, deletionTimestamp: 5 } },
  ])
  const kept = await table.snapshot()
  expect(await new DeltaTable(bench.store, table.prefix, bench.engine).snapshot()).toEqual(kept)
  expect(kept!.commitInfo).toMatchObject({ operation: 'DELETE', engineInfo: 'pinflow' })
  expect(kept!.tombstones.get(add.path)).toMatchObject({ deletionTimestamp: 5 })
})

test('history is newest first, and commits come in order from where they are asked', async () => {
  const table = bench.table()
  await create(table)
  for (let version = 1; version <= 20; version++) await table.commit(version, [info(`OP ${version}`)])
  expect((await table.history(3)).map(({ commitInfo }) => commitInfo!.operation)).toEqual([
    'OP 20',
    'OP 19',
    'OP 18',
  ])
  const found: number[] = []
  for await (const { version } of table.commits(17)) found.push(version)
  expect(found).toEqual([17, 18, 19, 20])
  await expect(table.commitInfo(21)).rejects.toMatchObject({ code: 'TABLE_VERSION_UNKNOWN' })
})

test("a caller's mistakes are assertions, and commit nothing", async () => {
  const table = bench.table()
  await create(table)
  const add = { add: fakeAdd('twice') }
  const snapshot = (await table.snapshot()) as Snapshot
  const mistakes: Action[][] = [
    [],
    [add],
    [info(), info()],
    [info(), add, add],
    [info(), { txn: { appId: 'a', version: 1 } }, { txn: { appId: 'a', version: 2 } }],
    [info(), { metaData: snapshot.metaData }, { metaData: snapshot.metaData }],
    [info(), { remove: { path: 'never-there.parquet', dataChange: true } }],
  ]
  for (const actions of mistakes) await expect(table.commit(1, actions)).rejects.toThrow(/commit/)
  await expect(table.commit(3, [info()])).rejects.toThrow(/version 3 after 0/)
  expect((await table.snapshot())!.version).toBe(0)
})
