/**
 * What people can ask of a platform, each once: the HTTP API serves them, and the CLI runs them, here or through the
 * API of the process that owns the data folder.
 */
import type { InferOutput } from 'valibot'
import { doctorOperations } from './doctor.ts'
import { jobOperations } from './jobs.ts'
import { quarantineOperations } from './quarantine.ts'
import { queryOperations } from './queries.ts'
import { tableOperations } from './tables.ts'
import { topicOperations } from './topics.ts'
import { traceOperations } from './trace.ts'

export type { Context } from './operation.ts'

export const operations = {
  ...doctorOperations,
  ...jobOperations,
  ...topicOperations,
  ...traceOperations,
  ...queryOperations,
  ...tableOperations,
  ...quarantineOperations,
} as const

export type OperationName = keyof typeof operations
export type ParametersOf<Name extends OperationName> = InferOutput<(typeof operations)[Name]['parameters']>
export type ResultOf<Name extends OperationName> = Awaited<ReturnType<(typeof operations)[Name]['run']>>
