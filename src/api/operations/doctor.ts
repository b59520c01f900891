import * as v from 'valibot'
import { examinePlatform } from '../../doctor/index.ts'
import { operation } from './operation.ts'

/** What is in the way, of all that an open platform can tell. */
export const doctorOperations = {
  doctor: operation({ deep: v.boolean() }, ({ platform }, { deep }) =>
    examinePlatform(platform, { deep, nowMs: Date.now() }),
  ),
} as const
