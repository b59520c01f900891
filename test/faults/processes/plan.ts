/** Where in its work a platform can be hurt: the durable steps of a record's life, in their order, and reading. */
export const points = [
  'log append',
  'segment roll',
  'flush',
  'take',
  'land',
  'raw object',
  'landed marker',
  'data file',
  'quarantine commit',
  'data commit',
  'checkpoint',
  'key index',
  'read',
] as const

export type Point = (typeof points)[number]

/** About as many operations of a point as there are within a few seconds, with clients at work. */
export const soon: Record<Point, number> = {
  'log append': 20,
  'segment roll': 1,
  flush: 20,
  take: 3,
  land: 2,
  'raw object': 8,
  'landed marker': 2,
  'data file': 8,
  'quarantine commit': 3,
  'data commit': 6,
  checkpoint: 1,
  'key index': 6,
  read: 20,
}

/** What is to happen at a point; carried out inside the platform's process by `points.ts`. */
export interface Plan {
  point: Point
  /** The first operation that is hurt: 1 is the next one. */
  at: number
  /** So many operations are hurt, one after another. */
  times: number
  /** `fail after`: the operation is done, and then says that it is not, as one that was timed out. */
  harm: 'kill before' | 'kill after' | 'fail' | 'fail after' | 'delay'
  /** Before the operation, or the harm in its place. */
  delayMs?: number
}

/** The variable that names the file with the plan; the process reads it at SIGUSR2. */
export const planVariable = 'FAULT_PLAN'

/** The file, beside the plan, in which a line is added for each operation that was hurt. */
export const hurtFileOf = (planFile: string) => `${planFile}.hurt`
