import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import type { Clock } from '../../../src/core/index.ts'
import type { Chance } from './chance.ts'

const real = { now: Date.now, randomUUID: crypto.randomUUID }

/**
 * Let everything in this process that asks for the time or for a new name be told by a simulation, so that a run
 * follows from its seed alone, whoever forgot to ask for a clock.
 *
 * @returns what ends it
 */
export function decideTimeAndNames(clock: Clock, chance: Chance): () => void {
  Date.now = clock
  crypto.randomUUID = () => chance.uuid()
  syncBuiltinESMExports()
  return () => {
    Date.now = real.now
    crypto.randomUUID = real.randomUUID
    syncBuiltinESMExports()
  }
}
