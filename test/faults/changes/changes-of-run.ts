/** What is changed while data flows. */
export const kinds = ['rebuild', 'changed definition, rebuild', 'restore', 'topic deleted'] as const

export interface PlannedChange {
  kind: (typeof kinds)[number]
  /** The platform is killed in the midst of it. */
  killed: boolean
  /** The topic of the Kafka doors, or the stream of the Kinesis doors; for what is about one of them. */
  door: 'kafka' | 'kinesis'
}

/** Runs of a build: seeds of so many in a row go through every kind, killed or not, whichever is the first. */
export const runs = 10

export const changesPerRun = 2

/** The changes of a run, dealt round robin over seeds. */
export function changesOf(seed: number): PlannedChange[] {
  return Array.from({ length: changesPerRun }, (_, change) => {
    const turn = seed * changesPerRun + change
    const round = Math.floor(turn / kinds.length)
    return {
      kind: kinds[turn % kinds.length]!,
      killed: round % 2 === 0,
      door: Math.floor(round / 2) % 2 === 0 ? 'kafka' : 'kinesis',
    }
  })
}
