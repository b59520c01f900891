/**
 * What clients saw, judged by a model: a log whose partitions only grow. Every record that is sent has an id of its
 * own, also when its contents are sent again; times are of one clock that never goes back.
 */

/** A request to append records to a topic, with its answer. */
export interface Append {
  topic: string
  records: readonly { id: string; value: string }[]
  beganMs: number
  endedMs: number
  /** Where the records were said to be; undefined for one that was refused, or whose answer never came. */
  places: readonly (Place | undefined)[]
}

export interface Place {
  partition: number
  offset: number
}

/** One reading of a topic, each partition in order. */
export interface Reading {
  topic: string
  beganMs: number
  endedMs: number
  /** From each partition's beginning to an end that it had at some moment while this went on. */
  whole: boolean
  records: readonly (Place & { id: string; value: string; timeMs: number })[]
}

export type Kind =
  | 'lost'
  | 'vanished'
  | 'changed'
  | 'double'
  | 'two at one offset'
  | 'out of order'
  | 'never sent'
  | 'time went back'

export interface Breach {
  kind: Kind
  what: string
}

interface Sent extends Append {
  index: number
}

interface Held {
  id: string
  value: string
  /** When it was known to be there. */
  knownMs: number
  by: 'acknowledged' | 'read'
}

/** @returns what no log that keeps its promises could have answered; empty where all is well */
export function judge(appends: readonly Append[], readings: readonly Reading[]): Breach[] {
  return new Judge(appends, readings).judge()
}

class Judge {
  readonly #appends: readonly Append[]
  readonly #readings: readonly Reading[]
  readonly #sent = new Map<string, Sent>()
  /** By topic, partition and offset. */
  readonly #held = new Map<string, Held>()
  /** Where each record is, by its id. */
  readonly #places = new Map<string, string>()
  readonly #breaches: Breach[] = []

  constructor(appends: readonly Append[], readings: readonly Reading[]) {
    this.#appends = appends
    this.#readings = readings
  }

  judge(): Breach[] {
    for (const append of this.#appends) {
      for (const [index, { id }] of append.records.entries()) this.#sent.set(id, { ...append, index })
    }
    for (const append of this.#appends) this.#acknowledge(append)
    this.#checkOrder()
    for (const reading of this.#readings.toSorted((a, b) => a.beganMs - b.beganMs)) this.#read(reading)
    this.#checkNothingMissing()
    return this.#breaches
  }

  #acknowledge({ topic, records, places, endedMs }: Append): void {
    const last = new Map<number, number>()
    for (const [index, place] of places.entries()) {
      if (!place) continue
      const { partition, offset } = place
      const { id, value } = records[index]!
      this.#hold(topic, place, { id, value, knownMs: endedMs, by: 'acknowledged' })
      if (offset <= (last.get(partition) ?? -1))
        this.#breach(
          'out of order',
          `${id} was acknowledged at ${topic}/${partition} ${offset}, after a later one`,
        )
      last.set(partition, offset)
    }
  }

  #hold(topic: string, { partition, offset }: Place, held: Held): void {
    const where = `${topic}/${partition} ${offset}`
    const known = this.#held.get(where)
    const elsewhere = this.#places.get(held.id)
    if (elsewhere !== undefined && elsewhere !== where)
      this.#breach('double', `${held.id} is at ${elsewhere} and at ${where}`)
    this.#places.set(held.id, where)
    if (!known) this.#held.set(where, held)
    else if (known.id !== held.id)
      this.#breach(
        known.by === held.by && held.by === 'acknowledged' ? 'two at one offset' : 'changed',
        `at ${where} ${known.id} was ${known.by}, then ${held.id} was ${held.by}`,
      )
    else known.knownMs = Math.min(known.knownMs, held.knownMs)
  }

  /** An append that began after another was acknowledged stands after it. */
  #checkOrder(): void {
    const extents = new Map<string, { beganMs: number; endedMs: number; first: number; last: number }[]>()
    for (const { topic, places, beganMs, endedMs } of this.#appends) {
      for (const [partition, found] of Map.groupBy(
        places.filter((place) => !!place),
        (place) => place.partition,
      )) {
        const offsets = found.map(({ offset }) => offset)
        const extent = { beganMs, endedMs, first: Math.min(...offsets), last: Math.max(...offsets) }
        const key = `${topic}/${partition}`
        extents.set(key, [...(extents.get(key) ?? []), extent])
      }
    }
    for (const [key, list] of extents) {
      const byEnd = list.toSorted((a, b) => a.endedMs - b.endedMs)
      let ended = 0
      let last = -1
      for (const { beganMs, first } of list.toSorted((a, b) => a.beganMs - b.beganMs)) {
        for (; (byEnd[ended]?.endedMs ?? Number.POSITIVE_INFINITY) < beganMs; ended++)
          last = Math.max(last, byEnd[ended]!.last)
        if (first <= last)
          this.#breach(
            'out of order',
            `${key} gave ${first} to an append that began after ${last} was acknowledged`,
          )
      }
    }
  }

  #read({ topic, endedMs, records }: Reading): void {
    const last = new Map<number, { offset: number; timeMs: number }>()
    for (const record of records) {
      const { partition, offset, id, value, timeMs } = record
      const where = `${topic}/${partition} ${offset}`
      const sent = this.#sent.get(id)
      if (!sent || sent.topic !== topic || sent.beganMs > endedMs)
        this.#breach('never sent', `${where} holds ${id}, which nobody had sent`)
      else if (sent.records[sent.index]!.value !== value)
        this.#breach('changed', `${where} holds ${id} with other bytes than were sent`)
      this.#hold(topic, record, { id, value, knownMs: endedMs, by: 'read' })
      const before = last.get(partition)
      if (before && offset <= before.offset)
        this.#breach('out of order', `${where} was read after ${before.offset}`)
      if (before && timeMs < before.timeMs)
        this.#breach(
          'time went back',
          `${where} was appended ${before.timeMs - timeMs} ms before the one before it`,
        )
      last.set(partition, { offset, timeMs })
    }
  }

  /** What was acknowledged or read before a reading began is in it; and between what it read nothing is left out. */
  #checkNothingMissing(): void {
    const held = Map.groupBy(this.#held, ([where]) => where.slice(0, where.lastIndexOf(' ')))
    for (const { topic, beganMs, whole, records } of this.#readings) {
      const seen = new Set(records.map(({ partition, offset }) => `${topic}/${partition} ${offset}`))
      const extents = new Map<string, { first: number; last: number }>()
      for (const { partition, offset } of records) {
        const key = `${topic}/${partition}`
        extents.set(key, { first: extents.get(key)?.first ?? offset, last: offset })
      }
      for (const [key, places] of held) {
        if (!key.startsWith(`${topic}/`)) continue
        const extent = extents.get(key)
        for (const [where, { id, knownMs, by }] of places) {
          const offset = Number(where.slice(key.length + 1))
          const within = extent && offset > extent.first && offset < extent.last
          const due = within || (whole && knownMs < beganMs)
          if (due && !seen.has(where))
            this.#breach(
              by === 'acknowledged' ? 'lost' : 'vanished',
              `${id} was ${by} at ${where}, and is not there`,
            )
        }
      }
    }
  }

  #breach(kind: Kind, what: string): void {
    this.#breaches.push({ kind, what })
  }
}
