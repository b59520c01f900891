/**
 * The entries of the epoch log: JSON objects with a checksum, `_pinflow/<pipeline>/epochs/<20 digits>.json`, put if absent
 * and never changed. Entry 0 is the origin; the others are takes and lands, in any mixture. `docs/spec/epochs.md` is normative.
 */
import { messageOf, openSealedJson, PipelineError, sealJson } from '../core/index.ts'

/** A stretch of a topic partition: offsets `from` ≤ offset < `to`, `count` records (fewer than to − from at gaps). */
export interface Range {
  topic: string
  partition: number
  from: number
  to: number
  count: number
  /** Keys and values. */
  bytes: number
}

/**
 * Offsets that are not processed, and why. A gap either goes on where its topic partition ended, or voids ranges that
 * were taken before and are in no lake: those count as if they had never been taken.
 */
export interface Gap {
  topic: string
  partition: number
  from: number
  to: number
  count: number
  kind: 'lost' | 'skipped'
  why: string
}

/** What is processed together: epoch number, and ranges in the order of their processing. */
export interface Take {
  epoch: number
  timeMs: number
  ranges: Range[]
  gaps?: Gap[]
}

/** How far a topic partition had been taken at a land, and what that was in all. */
export interface End {
  topic: string
  partition: number
  to: number
  records: number
  lost: number
  skipped: number
}

export interface OriginEntry {
  kind: 'origin'
  format: 1
  /** The epoch log's own id. */
  id: string
  timeMs: number
}

export interface TakeEntry extends Take {
  kind: 'take'
  /** The log the ranges are of. */
  logId: string
}

export interface LandEntry {
  kind: 'land'
  epoch: number
  timeMs: number
  logId: string
  /** Objects hold at most this many records. */
  flushSize: number
  /** Every take since the last land, in order, whole. */
  takes: Take[]
  /** Of every topic partition ever taken, in order of topic and partition. */
  ends: End[]
  /** Every gap so far that voids what was taken before. */
  voids: Gap[]
}

export type Entry = OriginEntry | TakeEntry | LandEntry

/** 20 digits, so that names sort as numbers do. */
export function digits(number: number): string {
  return String(number).padStart(20, '0')
}

export function encodeEntry(entry: Entry): Buffer {
  return sealJson(entry)
}

/** @throws EPOCHS_DAMAGED when the content is no entry of that epoch */
export function parseEntry(key: string, epoch: number, content: Buffer): Entry {
  let entry: unknown
  try {
    entry = openSealedJson(content)
  } catch (error) {
    throw new PipelineError('EPOCHS_DAMAGED', `${key}: ${messageOf(error)}`, { cause: error })
  }
  if (isEntry(entry) && (entry.kind === 'origin' ? 0 : entry.epoch) === epoch) return entry
  throw new PipelineError(
    'EPOCHS_DAMAGED',
    `${key} is no entry ${epoch} of an epoch log this version can read`,
  )
}

type Members = Record<string, unknown>

function isEntry(value: unknown): value is Entry {
  if (!isObject(value)) return false
  if (value.kind === 'origin') return value.format === 1 && typeof value.id === 'string'
  if (typeof value.logId !== 'string') return false
  if (value.kind === 'take') return isTake(value)
  const { epoch, timeMs, flushSize, takes, ends, voids } = value
  return (
    value.kind === 'land' &&
    [epoch, timeMs, flushSize].every(isCount) &&
    isListOf(takes, isTake) &&
    isListOf(ends, (end) => isPlace(end, 'to', 'records', 'lost', 'skipped')) &&
    isListOf(voids, isGap)
  )
}

function isTake({ epoch, timeMs, ranges, gaps = [] }: Members): boolean {
  const isRange = (range: Members): boolean => isPlace(range, 'from', 'to', 'count', 'bytes')
  return isCount(epoch) && epoch > 0 && isCount(timeMs) && isListOf(ranges, isRange) && isListOf(gaps, isGap)
}

function isGap(gap: Members): boolean {
  return isPlace(gap, 'from', 'to', 'count') && (gap.kind === 'lost' || gap.kind === 'skipped')
}

/** Something of a topic partition, with these counts. */
function isPlace(value: Members, ...counts: string[]): boolean {
  return typeof value.topic === 'string' && ['partition', ...counts].every((name) => isCount(value[name]))
}

function isListOf(value: unknown, isItem: (item: Members) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isObject(item) && isItem(item))
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
