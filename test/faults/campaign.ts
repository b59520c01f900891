/** One way of hurting pinflow, many times over, with the proof after each time that nothing promised was broken. */
export interface Campaign {
  /** As the command line names it, and a line of the report. */
  name: string
  /** Runs of one build. */
  runs: number
  /** Seconds after which a build begins no further run. */
  budgetSeconds: number
  /** Why it cannot run on this machine; undefined: it can. */
  unavailable?(): Promise<string | undefined>
  /** Make what runs share, before the first, and let go of it after the last. */
  open?(): Promise<void>
  close?(): Promise<void>
  /**
   * One run. Everything random in it follows from its seed.
   *
   * @throws Broken, or anything else that should not have happened
   */
  run(seed: number): Promise<Outcome>
}

/** What a run did, and proved. */
export interface Outcome {
  /** How many times each kind of thing was done to pinflow. */
  faults: Readonly<Record<string, number>>
  /** Kinds that could not be done here, with the reason. */
  skipped?: Readonly<Record<string, string>>
  /** Records whose fate was checked. */
  records: number
  /** Measured, not judged: the report gives median and greatest. */
  figures?: Readonly<Record<string, readonly number[]>>
}

/** A promise that did not hold. */
export class Broken extends Error {
  /** Acknowledged records that are nowhere; undefined: nobody counted. */
  readonly lost: number | undefined
  /** Records that count more than once; undefined: nobody counted. */
  readonly double: number | undefined

  /** @param counted by whoever counts the one, the other is taken for counted as well */
  constructor(
    message: string,
    { lost, double }: { lost?: number | undefined; double?: number | undefined } = {},
  ) {
    super(message)
    this.name = 'Broken'
    const isCounted = lost !== undefined || double !== undefined
    this.lost = isCounted ? (lost ?? 0) : undefined
    this.double = isCounted ? (double ?? 0) : undefined
  }
}
