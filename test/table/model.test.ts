import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LocalObjectStore } from '../../src/core/index.ts'
import { type Action, DeltaTable, optimize, overwriteActions, vacuum } from '../../src/table/index.ts'
import { create, info, useBench } from './support.ts'

const bench = useBench()

/** What a table should be at a version. */
interface Expected {
  rows: number[]
  txns: Record<string, number>
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append'),
      rows: fc.integer({ min: 0, max: 4 }),
      app: fc.constantFrom('a', 'b'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('overwrite'),
      rows: fc.integer({ min: 0, max: 4 }),
      app: fc.constant('a'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('optimize', 'checkpoint', 'maintain', 'reopen', 'vacuum'),
      rows: fc.constant(0),
      app: fc.constant(''),
    }),
  },
)

test('after any sequence of appends, overwrites, compactions and checkpoints, every version reads as the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      let table = bench.table()
      await create(table)
      const versions: Expected[] = [{ rows: [], txns: {} }]
      let next = 0
      for (const { kind, rows, app } of steps) {
        const current = versions.at(-1)!
        const version = versions.length
        if (kind === 'append' || kind === 'overwrite') {
          const snapshot = (await table.snapshot())!
          const numbers = Array.from({ length: rows }, () => next++)
          const add = await bench.write(
            table,
            `SELECT x AS ind, 't' || x AS title FROM unnest([${numbers}]::INT[]) AS t(x)`,
          )
          const adds = add ? [add] : []
          const data: Action[] =
            kind === 'append'
              ? adds.map((file) => ({ add: file }))
              : overwriteActions(snapshot, adds, Date.now())
          expect(await table.commit(version, [info(), { txn: { appId: app, version } }, ...data])).toBe(true)
          const kept = kind === 'append' ? current.rows : []
          versions.push({ rows: [...kept, ...numbers], txns: { ...current.txns, [app]: version } })
        } else if (kind === 'optimize') {
          const done = await bench.engine.with((session) => optimize(table, session, { nowMs: Date.now() }))
          if (done) {
            expect(done.version).toBe(version)
            versions.push(current)
          }
        } else if (kind === 'checkpoint') await table.checkpoint(version - 1)
        else if (kind === 'maintain') expect((await table.maintain()).failure).toBeUndefined()
        else if (kind === 'vacuum') await vacuum(table, { nowMs: Date.now() })
        else table = new DeltaTable(bench.store, table.prefix, bench.engine)
      }
      const fresh = new DeltaTable(new LocalObjectStore(`${bench.root}/store`), table.prefix, bench.engine)
      for (const reader of [table, fresh]) {
        const newest = (await reader.snapshot())!
        expect(newest.version).toBe(versions.length - 1)
        for (const [version, expected] of versions.entries()) {
          const snapshot = (await reader.snapshot(version))!
          const rows = await bench.rows(reader, snapshot)
          expect(rows).toEqual(expected.rows.map((ind) => ({ ind, title: `t${ind}` })))
          expect(Object.fromEntries(snapshot.txns)).toEqual(expected.txns)
        }
      }
    }),
    { numRuns: 15 },
  )
})
