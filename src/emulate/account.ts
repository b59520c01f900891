import type { DoorName } from './door.ts'

/** What became of the records of one dataset: `sent = acknowledged + failed + in flight`. */
export interface DatasetAccount {
  /** Records tried, however often. */
  sent: number
  /** The door answered that it has the record. */
  acknowledged: number
  /** Given up. The log may hold the record nevertheless, where an answer was lost. */
  failed: number
}

/** A record that was given up, with what the door said last. */
export interface Refused {
  code: 'DOOR_REFUSED'
  dataset: string
  post: number
  door: DoorName
  /** Absent when there was no answer. */
  status?: number
  message: string
}

export interface EmulateAccount {
  /** One for each dataset of the pipeline, in its order. */
  datasets: Record<string, DatasetAccount>
  /** Times that a record was sent again. */
  retries: number
  /** The first failures, at most five. */
  refused: Refused[]
}

export const refusedMax = 5
