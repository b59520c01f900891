import * as v from 'valibot'
import { helpOf } from '../../clean/index.ts'
import { textOrBase64, withoutBytes } from '../../engine/index.ts'
import type { Platform } from '../../platform/index.ts'
import {
  type BadExample,
  countBadRecords,
  listBadRecords,
  type PairChange,
  type Replayed,
  Reviews,
  type RowExample,
  replay,
  reviewBadRecords,
  showBadRecord,
  textOfFilter,
} from '../../quarantine/index.ts'
import { integer, operation, path, refuseOtherDefinition } from './operation.ts'

const filter = {
  dataset: v.exactOptional(v.string()),
  reason: v.exactOptional(v.string()),
  path: v.exactOptional(path),
  topic: v.exactOptional(v.string()),
  partition: v.exactOptional(integer(0)),
  offset: v.exactOptional(integer(0)),
}
const place = { topic: v.string(), partition: integer(0), offset: integer(0) }
/** Records of one list. */
const listMax = 1_000

/** Bad records: counted, listed, explained, reviewed, and cleaned again. */
export const quarantineOperations = {
  quarantine: operation({ dataset: v.exactOptional(v.string()) }, async ({ platform }, { dataset }) => {
    const { counts, unreadable } = await countBadRecords(partsOf(platform), dataset)
    const reasons = [...new Set(counts.map(({ reason }) => reason.split(' ')[0] ?? reason))]
    return {
      alerts: await platform.alerts(),
      counts,
      unreadable,
      help: Object.fromEntries(reasons.map((reason) => [reason, helpOf(reason)])),
    }
  }),

  quarantineList: operation(
    {
      ...filter,
      reviewed: v.exactOptional(v.boolean()),
      limit: v.pipe(integer(1), v.maxValue(listMax)),
    },
    async ({ platform }, asked) => {
      const { matching, records } = await listBadRecords(partsOf(platform), asked)
      return {
        matching,
        records: records.map(({ beginning, ...record }) => ({ ...record, beginning: cutText(beginning) })),
      }
    },
  ),

  quarantineShow: operation(place, async ({ platform }, asked) => {
    const shown = await showBadRecord(partsOf(platform), asked)
    return {
      ...shown,
      value: textOrBase64(shown.value),
      key: textOrBase64(shown.key),
      headers: shown.headers.map(({ name, value }) => ({ name, value: textOrBase64(value) })),
      now: withoutBytes(shown.now) as typeof shown.now,
    }
  }),

  quarantineReplay: operation(
    { dataset: v.string(), apply: v.boolean(), definition: v.exactOptional(v.string()) },
    async ({ platform, signal, emit }, { dataset, apply, definition }) => {
      refuseOtherDefinition(platform, dataset, definition)
      const { clean, log } = platform.config
      const parts = {
        ...partsOf(platform),
        limits: { recordsMax: clean.groupRecordsMax, bytesMax: clean.groupBytesMax },
        turns: platform.cleaningTurns,
        freeBytesMin: log.freeBytesMin,
        settle: (ending: AbortSignal) => platform.settle(Number.POSITIVE_INFINITY, ending),
        rebuild: (name: string) => platform.rebuild(name),
      }
      const onEpoch = (epoch: number, last: number) => void emit({ epoch, last })
      return readable(await replay(parts, dataset, { apply, onEpoch, signal }))
    },
  ),

  quarantineAck: operation(
    { ...filter, note: v.pipe(v.string(), v.trim(), v.nonEmpty()), by: v.nullable(v.string()) },
    async ({ platform }, asked) => ({ reviews: await reviewBadRecords(partsOf(platform), asked) }),
  ),

  quarantineAcks: operation({}, async ({ platform }) => {
    const reviews = []
    for await (const review of new Reviews(platform.lake, platform.pipeline.name).all()) {
      const { number, timeMs, dataset, filter, epoch, records, note, by } = review
      reviews.push({ number, timeMs, dataset, filter: textOfFilter(filter), epoch, records, note, by })
    }
    return reviews
  }),
} as const

function partsOf(platform: Platform) {
  const { pipeline, log, lake, epochs, landing, catalog, engine, folder } = platform
  return { pipeline, log, lake, epochs, landing, catalog, engine, temporaryFolder: folder.path('tmp') }
}

/** Examples without bytes, which JSON has not. */
function readable({ preview, done, ...rest }: Replayed) {
  return { ...rest, preview: preview.map(readableChange), ...(done && { done: done.map(readableChange) }) }
}

function readableChange({ examples, ...change }: PairChange) {
  const bad = ({ beginning, ...example }: BadExample) => ({ ...example, beginning: cutText(beginning) })
  const row = (example: RowExample) => withoutBytes(example) as RowExample
  return {
    ...change,
    examples: {
      leave: examples.leave.map(bad),
      newlyBad: examples.newlyBad.map(bad),
      changed: examples.changed.map(row),
      gone: examples.gone.map(row),
    },
  }
}

/** The first bytes of a value: of a text no half character. */
function cutText(beginning: Buffer | null) {
  if (beginning === null) return null
  const texts = [0, 1, 2, 3].map((less) => textOrBase64(beginning.subarray(0, beginning.length - less)))
  return texts.find((text) => typeof text === 'string') ?? texts[0] ?? null
}
