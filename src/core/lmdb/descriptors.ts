import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'

/** More than LMDB takes for one file. */
const descriptorsNeeded = 8

/**
 * Call before LMDB opens a file: where no descriptor is left for it, lmdb-js 3.5 ends the process.
 *
 * @throws the system's error (EMFILE, ENFILE)
 */
export function refuseWithoutDescriptors(): void {
  const taken: number[] = []
  try {
    while (taken.length < descriptorsNeeded) taken.push(openSync(devNull, 'r'))
  } finally {
    for (const descriptor of taken) closeSync(descriptor)
  }
}
