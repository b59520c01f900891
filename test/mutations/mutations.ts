export interface Edit {
  file: string
  /** Stands in the file exactly once. */
  find: string
  replace: string
}

/** A guarantee taken out of the sources, and what must notice. */
export interface Mutation {
  name: string
  edits: readonly Edit[]
  /** The command that fails; the seeds are fixed, so it always does. */
  caughtBy: readonly string[]
  /** What its output then says. */
  shows: RegExp
}

export const mutations: readonly Mutation[] = []
