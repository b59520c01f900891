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

/** What is to happen at a point; carried out inside the platform's process by `points.ts`. */
export interface Plan {
  point: Point
  /** The first operation that is hurt: 1 is the next one. */
  at: number
  /** So many operations are hurt, one after another. */
  times: number
  /** `fail after`: the operation is done, and then says that it is not, as one that was timed out. */
  harm: 'kill before' | 'kill after' | 'fail' | 'fail after' | 'delay'
  delayMs?: number
}

/** The variable that names the file with the plan; the process reads it at SIGUSR2. */
export const planVariable = 'FAULT_PLAN'

/** The file, beside the plan, in which a line is added for each operation that was hurt. */
export const hurtFileOf = (planFile: string) => `${planFile}.hurt`
