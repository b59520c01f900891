import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'

const library = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0]

/** Why clocks cannot be set here; undefined: they can. */
export const whyNoClock = library === undefined ? 'faketime is not installed' : undefined

/** Variables of a process whose clock follows a file in a folder; what counts time only, as timers do, goes on as it is. */
export function clockEnv(folder: string): Record<string, string> {
  set(folder, 0)
  return {
    LD_PRELOAD: library!,
    FAKETIME_TIMESTAMP_FILE: fileOf(folder),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
}

/** Minutes, hours or days. */
const leapsSeconds = [90, 7_200, 3 * 86_400, 40 * 86_400]

/** The clock leaps forward or back while it runs; one time in two also at a restart. */
export const leap: Fault = async (subject, random) => {
  const drawn = () => (random(2) === 0 ? 1 : -1) * (leapsSeconds[random(leapsSeconds.length)] ?? 0)
  const seconds = drawn()
  set(subject.place.beside, seconds)
  if (random(2) === 0) {
    await subject.goesOn()
    await sleep(random(300))
    await subject.excusing(async () => {
      await subject.kill()
      set(subject.place.beside, drawn())
      await subject.start()
    })
  }
  return `clock set ${seconds < 0 ? 'back' : 'forward'}`
}

function set(folder: string, seconds: number): void {
  writeFileSync(fileOf(folder), `${seconds < 0 ? '' : '+'}${seconds}\n`)
}

const fileOf = (folder: string) => join(folder, 'clock')
