import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CleaningPath, DatasetCleaner } from '../../src/clean/index.ts'
import { LocalObjectStore } from '../../src/core/index.ts'
import { EpochLog } from '../../src/lake/index.ts'
import type { Dataset } from '../../src/pipeline/index.ts'
import { expectAllRight, fill } from './check.ts'
import { useWorlds } from './engine.ts'
import { MortalStore } from './mortal-store.ts'
import { thing } from './things.ts'
import type { World } from './world.ts'

const inWorld = useWorlds()

/** Two workers, each with its own memory of the tables and its own index, over one folder. */
async function withTwo(
  action: (world: World, a: Worker, b: Worker) => Promise<void>,
  dataset: Dataset = thing,
): Promise<void> {
  await inWorld({ dataset }, async (world) => {
    const workers: Worker[] = []
    try {
      for (const index of ['index-a', 'index-b']) workers.push(await openWorker(world, index))
      const [a, b] = workers
      if (a && b) await action(world, a, b)
    } finally {
      for (const { cleaner } of workers) await cleaner.close()
    }
  })
}

interface Worker {
  cleaner: DatasetCleaner
  store: MortalStore
}

async function openWorker(world: World, index: string, path: CleaningPath = 'stream'): Promise<Worker> {
  const store = new MortalStore(world.tables)
  return { store, cleaner: await world.anotherCleaner(path, { index, tables: store }) }
}

/** Run something once, in the moment before a worker puts a commit of a table. */
function before(store: MortalStore, prefix: string, action: () => Promise<unknown>): void {
  store.beforePut = async (key) => {
    if (!key.startsWith(`${prefix}/_delta_log/`)) return
    store.beforePut = async () => undefined
    await action()
  }
}

async function all(worker: Worker): Promise<void> {
  while (await worker.cleaner.step());
}

test('a worker that loses the data commit leaves the quarantine files that are in the table', async () => {
  await withTwo(async (world, a, b) => {
    await fill(world, [0, 1], [1, -1])
    before(a.store, 'stream/thing', () => all(b))
    await all(a)
    await world.finish()
    await expectAllRight(world)
  })
})

test('a worker that has seen epochs without its records reads them when another has rebuilt from before', async () => {
  await withTwo(async (world, a, b) => {
    await fill(world, [0, 1])
    await world.land(10)
    while (await world.sink());
    await fill(world, [1, 1])
    await all(a)
    await world.epochs.take('other log', [])
    await all(a)
    // Only the first take has landed: the rebuilt table goes back to it.
    await b.cleaner.rebuild()
    await all(a)
    expect(await world.found('stream')).toEqual(world.expected())
    await world.finish()
    await expectAllRight(world)
  })
})

test('a replaced row whose file was compacted meanwhile does not stay in the table', async () => {
  const last: Dataset = { ...thing, onDuplicate: 'last' }
  await withTwo(async (world, a) => {
    await fill(world, [0, 1])
    await all(a)
    await fill(world, [1, 1])
    await all(a)
    await fill(world, [0, 2])
    before(a.store, 'stream/thing', () => world.optimize('stream', 'data'))
    await all(a)
    await world.finish()
    await expectAllRight(world)
  }, last)
})

test('a rebuild that another worker finishes from an older landing loses no quarantined record', async () => {
  await withTwo(async (world, a, b) => {
    await fill(world, [0, 1], [1, -1])
    await world.land(10)
    await world.sink()
    const old = world.landed
    await fill(world, [2, -1])
    await world.land(10)
    await world.sink()
    const newest = world.landed
    before(a.store, 'stream/thing', async () => {
      world.landed = old
      b.store.failAt({ put: 2, effect: false })
      await b.cleaner.step().catch(() => undefined)
      world.landed = newest
    })
    await a.cleaner.rebuild()
    await all(a)
    await world.finish()
    await expectAllRight(world)
  })
})

test('a rebuild that loses to a commit of another worker is done again', async () => {
  await withTwo(async (world, a, b) => {
    await fill(world, [0, 1], [1, -1])
    await world.land(10)
    await world.sink()
    await a.cleaner.rebuild()
    await fill(world, [2, -1], [3, 1])
    before(a.store, 'quarantine/stream/thing', () => all(b))
    await a.cleaner.rebuild()
    expect((await a.cleaner.state()).generation).toBeGreaterThan(1)
    await world.finish()
    await expectAllRight(world)
  })
})

test('a group that was computed before a rebuild began does not come between its two commits', async () => {
  await withTwo(async (world, a, b) => {
    await fill(world, [0, 1], [1, -1])
    await all(a)
    const state = await a.cleaner.state()
    const { generation, dataEpoch: epoch, account, origin } = state
    let committed: number | undefined
    before(b.store, 'stream/thing', async () => {
      const nothing = { epoch, rows: [], quarantined: [], account, origin }
      committed = await a.cleaner.pair.commit(state, nothing)
    })
    await b.cleaner.rebuild()
    expect(committed).toBeUndefined()
    // Once was enough: all history is not read anew for it.
    expect((await b.cleaner.state()).generation).toBe(generation + 1)
    await world.finish()
    await expectAllRight(world)
  })
})

test('a worker whose epoch log is behind the tables reads on before it judges them', async () => {
  await withTwo(async (world, a) => {
    const epochs = await EpochLog.open(new LocalObjectStore(join(world.root, 'lake')), 'model')
    const late = await world.anotherCleaner('stream', { index: 'index-c', epochs })
    await fill(world, [0, 1], [1, -1])
    await all(a)
    expect(await late.step()).toBe(false)
    await late.close()
  })
})

test('two workers on one pair of tables, stepping and rebuilding at the same time: every record once', async () => {
  const work = fc.array(fc.constantFrom('step', 'step', 'step', 'rebuild'), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(
      work,
      work,
      fc.array(fc.nat(3), { minLength: 7, maxLength: 7 }),
      fc.boolean(),
      async (first, second, waits, last) => {
        await withTwo(
          async (world, a, b) => {
            for (const n of [1, 2, 3]) {
              await fill(world, [0, n], [n, 1], [n, -1], [n, 1])
              if (n < 3) await world.land(10)
              await world.sink()
            }
            let puts = 0
            for (const { store } of [a, b])
              store.beforePut = () => new Promise((resolve) => setTimeout(resolve, waits[puts++ % 7]))
            const act = async ({ cleaner }: Worker, steps: string[]) => {
              for (const step of steps) await (step === 'rebuild' ? cleaner.rebuild() : cleaner.step())
              while (await cleaner.step());
            }
            await Promise.all([act(a, first), act(b, second)])
            await world.finish()
            await expectAllRight(world)
          },
          { ...thing, onDuplicate: last ? 'last' : 'first' },
        )
      },
    ),
    { numRuns: Number(process.env.MODEL_RUNS ?? 6) },
  )
})
