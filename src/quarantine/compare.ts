import type { CleaningPath, PairState } from '../clean/index.ts'
import type { ObjectStore } from '../core/index.ts'
import type { Engine, Row, Session } from '../engine/index.ts'
import type { Dataset } from '../pipeline/index.ts'
import { type Snapshot, scanSql } from '../table/index.ts'
import type { BadExample, PairChange, ReasonChange } from './change.ts'
import { compareRows } from './compare-rows.ts'

/** A pair of tables at one moment. */
export interface PairAt {
  store: ObjectStore
  dataPrefix: string
  quarantinePrefix: string
  state: PairState
}

const examplesMax = 3
const beginningBytes = 160

/** What is different about a pair of tables, before and after a replay; by SQL, in the memory that the engine has. */
export async function comparePairs(
  engine: Engine,
  dataset: Dataset,
  path: CleaningPath,
  before: PairAt,
  after: PairAt,
): Promise<PairChange> {
  const { definition, rebuilding, restoring, pausedAt, account } = before.state
  const epoch = Math.max(before.state.dataEpoch, rebuilding ? before.state.quarantineEpoch : 0)
  const bad = await relationsOf(before, after, 'quarantine')
  const rows = await relationsOf(before, after, 'data')
  return engine.with(async (session) => {
    // A quarantine may be ahead of its data table: those records are of a commit that is yet to come.
    const joined = `(SELECT * FROM ${bad[0]} WHERE epoch <= ${epoch}) AS old
      FULL JOIN (SELECT * FROM ${bad[1]} WHERE epoch <= ${epoch}) AS new USING (topic, "partition", "offset")`
    const { leave, stay, otherReason, newlyBad } = sorted(await reasonChanges(session, joined))
    const compared = await compareRows(session, dataset.key, {
      before: { relation: rows[0], schema: before.state.data.schema },
      after: { relation: rows[1], schema: after.state.data.schema },
      examplesMax,
    })
    return {
      path,
      definitionChanged: definition !== dataset.definition,
      whole: !rebuilding && restoring === undefined && pausedAt === undefined,
      leave,
      stay,
      otherReason,
      newlyBad,
      rows: compared.counts,
      waiting: Math.max(0, after.state.account.read - account.read),
      examples: {
        leave: await badExamples(session, joined, 'new.reason IS NULL'),
        newlyBad: await badExamples(session, joined, 'old.reason IS NULL'),
        changed: compared.changed,
        gone: compared.gone,
      },
    }
  })
}

function relationsOf(before: PairAt, after: PairAt, kind: 'data' | 'quarantine'): Promise<[string, string]> {
  const relation = ({ store, dataPrefix, quarantinePrefix, state }: PairAt) => {
    const [prefix, snapshot]: [string, Snapshot] =
      kind === 'data' ? [dataPrefix, state.data] : [quarantinePrefix, state.quarantine]
    return scanSql(store, prefix, snapshot)
  }
  return Promise.all([relation(before), relation(after)])
}

async function reasonChanges(session: Session, joined: string): Promise<ReasonChange[]> {
  const rows = await session.rows(
    `SELECT old.reason AS was, new.reason AS becomes, count(*) AS records FROM ${joined}
     GROUP BY old.reason, new.reason ORDER BY records DESC, was, becomes`,
  )
  return rows.map(({ was, becomes, records }) => ({
    was: textOrNull(was),
    becomes: textOrNull(becomes),
    records: Number(records),
  }))
}

function sorted(changes: readonly ReasonChange[]) {
  return {
    leave: changes.filter(({ becomes }) => becomes === null),
    newlyBad: changes.filter(({ was }) => was === null),
    stay: changes.reduce((sum, { was, becomes, records }) => sum + (was === becomes ? records : 0), 0),
    otherReason: changes.filter(({ was, becomes }) => was !== null && becomes !== null && was !== becomes),
  }
}

async function badExamples(session: Session, joined: string, condition: string): Promise<BadExample[]> {
  const rows: Row[] = await session.rows(
    `SELECT topic, "partition", "offset", old.reason AS was, new.reason AS becomes,
       coalesce(old.value, new.value)[1:${beginningBytes}] AS beginning
     FROM ${joined} WHERE ${condition} ORDER BY topic, "partition", "offset" LIMIT ${examplesMax}`,
  )
  return rows.map(({ topic, partition, offset, was, becomes, beginning }) => ({
    topic: String(topic),
    partition: Number(partition),
    offset: Number(offset),
    was: textOrNull(was),
    becomes: textOrNull(becomes),
    beginning: beginning as Buffer | null,
  }))
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : String(value)
}
