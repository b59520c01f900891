import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** Remove what the clock of a process leaves in memory when it is killed. */
export function forgetClock(pid: number): void {
  for (const file of globSync(`/dev/shm/*faketime_*_${pid}`)) rmSync(file, { force: true })
}

/** Minutes, hours or days. */
const leapsSeconds = [90, 7_200, 3 * 86_400, 40 * 86_400]

/** The clock leaps while it runs; one time in two again, between two of its lives. */
export const leap: Fault = async (subject, random) => {
  const { beside } = subject.place
  const drawn = () => (random(2) === 0 ? 1 : -1) * (leapsSeconds[random(leapsSeconds.length)]! + random(60))
  const seconds = drawn()
  const done = [`clock set ${direction(seconds - set(beside, seconds))}`]
  if (random(2) === 0) {
    await subject.watch()()
    await sleep(random(300))
    await subject.excusing(async () => {
      await subject.kill()
      const next = drawn()
      done.push(`clock set ${direction(next - set(beside, next))} at a restart`)
      await subject.start()
    })
  }
  return done
}

const direction = (seconds: number) => (seconds < 0 ? 'back' : 'forward')

/** Set how far the clock is ahead. @returns how far it was */
function set(folder: string, seconds: number): number {
  const before = existsSync(fileOf(folder)) ? Number(readFileSync(fileOf(folder), 'utf8')) : 0
  writeFileSync(fileOf(folder), `${seconds < 0 ? '' : '+'}${seconds}\n`)
  return before
}

const fileOf = (folder: string) => join(folder, 'clock')
